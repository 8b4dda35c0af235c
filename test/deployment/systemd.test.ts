import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { checkStartArguments } from './start-flags.ts'
import { checkHardening, parseUnitFile } from './unit-file.ts'

const read = (name: string): string =>
  readFileSync(new URL(`../../deploy/systemd/${name}`, import.meta.url), 'utf8')
const text = read('strongroom.service')
const service = parseUnitFile(text).get('Service')
const value = (name: string): string => service?.get(name)?.join(' ') ?? ''
const [program = '', command = '', ...args] = value('ExecStart').split(' ')
const flag = (name: string): string => args[args.indexOf(name) + 1] ?? ''

/** How long requests in flight have at a stop: docs/operating/install.md. */
const GRACE_SECONDS = 10

describe('the unit file', () => {
  test('starts a node with flags that there are', () => {
    assert.match(program, /^\/opt\/strongroom\/bin\/strongroom$/)
    assert.equal(command, 'start')
    assert.deepEqual(checkStartArguments(args), [])
    // The check itself: a flag that is not there, one without its value, a value that is refused.
    assert.match(checkStartArguments(['--colour']).join(), /has no --colour/)
    assert.match(checkStartArguments(['--data', '--tls']).join(), /--data has no value/)
    assert.match(checkStartArguments(['--port', '0x1f']).join(), /--port 0x1f: must be/)
  })

  test('gives it the key file as a credential that it was loaded with', () => {
    const [name, source] = value('LoadCredential').split(':')
    assert.equal(flag('--keyfile'), `\${CREDENTIALS_DIRECTORY}/${name}`)
    assert.match(read('tmpfiles.conf'), new RegExp(`^z ${source} 0400 root root`, 'm'))
  })

  test('lets it write its state directory and nothing else', () => {
    assert.equal(flag('--data'), `/var/lib/${value('StateDirectory')}`)
    assert.equal(value('ReadWritePaths'), '')
  })

  test('runs it as the user that sysusers makes', () => {
    assert.equal(value('User'), value('Group'))
    assert.match(
      read('sysusers.conf'),
      new RegExp(`^u ${value('User')} - "[^"]+" ${flag('--data')} `, 'm'),
    )
  })

  test('gives it time to end', () => {
    assert.ok(Number(value('TimeoutStopSec')) > GRACE_SECONDS)
    assert.ok(Number(value('LimitNOFILE')) >= 65_536)
  })

  test('keeps the hardening', () => {
    assert.deepEqual(checkHardening(text), [])
  })

  const breaks: readonly (readonly [string, string, RegExp])[] = [
    ['NoNewPrivileges=yes', '', /NoNewPrivileges/],
    ['ProtectSystem=strict', 'ProtectSystem=full', /ProtectSystem/],
    ['MemoryDenyWriteExecute=no', 'MemoryDenyWriteExecute=yes', /MemoryDenyWriteExecute/],
    ['CapabilityBoundingSet=', 'CapabilityBoundingSet=CAP_SYS_ADMIN', /CapabilityBoundingSet/],
    [' AF_UNIX', ' AF_UNIX AF_NETLINK', /RestrictAddressFamilies/],
    ['LimitCORE=0', 'LimitCORE=infinity', /LimitCORE/],
    ['~@privileged ', '~', /@privileged/],
    ['~@privileged ', '~@privileged @resources ', /setpriority/],
    ['SystemCallFilter=@system-service', '', /allows more/],
  ]
  for (const [from, to, problem] of breaks) {
    test(`would not pass with "${to}" for "${from}"`, () => {
      const broken = text.replace(from, to)
      assert.notEqual(broken, text)
      assert.match(checkHardening(broken).join('\n'), problem)
    })
  }
})
