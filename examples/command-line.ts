import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'

/** What the person asked an example to do. */
export interface Order {
  readonly mode: 'encrypt' | 'decrypt'
  /** The KMS key: an id, an ARN, `alias/NAME` or an alias's ARN. */
  readonly key: string | undefined
  readonly context: Readonly<Record<string, string>>
  /** Where KMS is; undefined leaves it to AWS_ENDPOINT_URL and the SDK's other sources. */
  readonly endpoint: string | undefined
  readonly input: string
  readonly output: string
}

/** A mistake that the usage text helps with. */
class UsageError extends Error {}

/** Runs `work` for the command line, and turns whatever goes wrong into one line and exit code 1 or 2. */
export async function runExample(
  usage: string,
  work: (order: Order) => Promise<void>,
): Promise<void> {
  try {
    const order = parseOrder()
    if (order === undefined) console.log(usage)
    else await work(order)
  } catch (cause) {
    const isUsage = cause instanceof UsageError
    console.error(`error: ${describe(cause)}${isUsage ? `\n\n${usage}` : ''}`)
    process.exitCode = isUsage ? 2 : 1
  }
}

/** Undefined when help was asked for. */
function parseOrder(): Order | undefined {
  const { values, positionals } = parse()
  if (values.help === true) return undefined
  const [mode, input, output, ...rest] = positionals
  if (mode !== 'encrypt' && mode !== 'decrypt') throw new UsageError('say encrypt or decrypt')
  if (input === undefined || output === undefined || rest.length > 0)
    throw new UsageError('give one input file and one output file')
  if (mode === 'encrypt' && values.key === undefined)
    throw new UsageError('encrypt needs --key, the KMS key')
  return {
    mode,
    input,
    output,
    key: values.key,
    endpoint: values.endpoint,
    context: Object.fromEntries((values.context ?? []).map(parsePair)),
  }
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        key: { type: 'string', short: 'k' },
        context: { type: 'string', short: 'c', multiple: true },
        endpoint: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (cause) {
    throw new UsageError(describe(cause), { cause })
  }
}

function parsePair(text: string): [name: string, value: string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`--context ${text} is not NAME=VALUE`)
  return [text.slice(0, at), text.slice(at + 1)]
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // The Encryption SDK puts whole stacks into its messages.
  const lines = cause.message.split('\n').map((line) => line.trim())
  const message = lines.filter((line) => line !== '' && !line.startsWith('at ')).join(' ')
  // Errors of KMS carry their code as the name, which says more than some of their messages.
  return cause.name.endsWith('Exception') ? `${cause.name}: ${message}` : message
}

const REPORT_EVERY_MS = 200

/** Passes `source` on and says on standard error how far it has come; one line, rewritten, on a terminal. */
export async function* withProgress<Bytes extends Uint8Array>(
  file: string,
  source: AsyncIterable<Bytes>,
): AsyncGenerator<Bytes, void> {
  const total = (await stat(file)).size
  const start = performance.now()
  let done = 0
  let reportedAt = start
  for await (const bytes of source) {
    done += bytes.length
    yield bytes
    const now = performance.now()
    if (!process.stderr.isTTY || now - reportedAt < REPORT_EVERY_MS) continue
    reportedAt = now
    const share = total === 0 ? 100 : (100 * done) / total
    process.stderr.write(`\r${basename(file)}: ${mebibytes(done)} MiB, ${share.toFixed(0)} % `)
  }
  const seconds = (performance.now() - start) / 1000
  const line = `${basename(file)}: ${mebibytes(done)} MiB in ${seconds.toFixed(1)} s`
  process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${line}\n`)
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
