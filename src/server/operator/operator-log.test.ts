import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { describe } from 'node:test'
import { createOperatorLog } from './operator-log.ts'

/** A log, and the lines that it wrote. */
function collecting(level: string) {
  const lines: Record<string, unknown>[] = []
  const write = (text: string): void => void lines.push(JSON.parse(text))
  return { log: createOperatorLog(level, { write }), lines }
}

const SOURCES = new URL('../../', import.meta.url).pathname

/** Every name that some source gives to a log in place. */
function namesInSources(): ReadonlySet<string> {
  const names = new Set<string>()
  for (const path of readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path.endsWith('.test.ts')) continue
    const text = readFileSync(join(SOURCES, path), 'utf8')
    for (const [, fields = ''] of text.matchAll(/\blog\.(?:info|warn|error)\(\s*\{([^}]*)\}/g)) {
      for (const [, name = ''] of fields.matchAll(/(?:^|,)\s*(\w+)(?=\s*[:,]|\s*$)/g))
        names.add(name)
    }
  }
  return names
}

describe("the operator's log", () => {
  test('has lines of JSON from its level on', () => {
    const { log, lines } = collecting('warn')
    log.info({}, 'too quiet')
    log.warn({ frames: 3 }, 'loud enough')
    assert.deepEqual(
      lines.map(({ level, frames, msg }) => [level, frames, msg]),
      [[40, 3, 'loud enough']],
    )
  })

  test('tells an error with its causes', () => {
    const { log, lines } = collecting('error')
    log.error({ requestId: 'r' }, 'failed', new Error('outer', { cause: new Error('inner') }))
    const [{ error, causes, requestId } = {}] = lines
    assert.deepEqual([error, causes, requestId], ['Error: outer', ['Error: inner'], 'r'])
  })

  test('leaves out what nobody has listed', () => {
    const { log, lines } = collecting('info')
    log.info({ requestId: 'r', plaintext: 'canary', authorization: 'canary' }, 'oops')
    log.error({ secretAccessKey: 'canary' }, 'oops')
    assert.ok(!JSON.stringify(lines).includes('canary'))
    assert.equal(lines[0]?.['plaintext'], '[left out]')
    assert.equal(lines[0]?.['requestId'], 'r')
  })

  test('has every name listed that some source uses', () => {
    const names = namesInSources()
    assert.ok(names.has('endpoint') && names.has('offset'), 'the sources were read')
    const { log, lines } = collecting('info')
    for (const name of names) log.info({ [name]: 1 }, name)
    assert.deepEqual(
      lines.filter((line) => line[String(line['msg'])] !== 1).map(({ msg }) => msg),
      [],
    )
  })
})
