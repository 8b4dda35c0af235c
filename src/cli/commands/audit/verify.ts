import type { Command } from 'commander'
import { Option } from 'commander'
import type { Context } from '../../context.ts'
import { count, folderOf, jsonLine } from '../../context.ts'
import { EXIT, UsageError } from '../../failures.ts'
import { LiveLine } from '../../live-line.ts'
import type { FolderFlags } from '../../options.ts'
import { accountOption, folderOptions, jsonOption, parseInstant } from '../../options.ts'
import { printable } from '../../printable.ts'
import type {
  AuditVerdict,
  NamedText,
  TrailCounts,
  TrailVerdict,
  TrailVerifyOptions,
} from '../../program.ts'
import { ANCHOR_BYTES_MAX, readTextFile } from '../../text-file.ts'

const VERIFY_HELP = `
Without --dir it checks the log of a node, which may be running, stopped, or a
copy of its data folder.

With --dir it checks a copy of the trail, offline and with nothing but the
public key: every byte of every log file and digest, that none is missing, added
or moved, and that the digests leave no gap and reach to within two hours of
--until. The copy is the folder "trail" of a node, a bucket in it, or what
"aws s3 sync" made of one. With --data as well, the copy must not be older than
what the store of that node knows, and its log must be the one that the digests
say it was.

Exit code 0: whole. 1: broken, and the output says where. 2: the command line is
wrong.

Examples:
  strongroom audit verify
  strongroom audit verify --data /backup/strongroom-data --json
  strongroom audit verify --dir /copy/trail --public-key audit.pem
  strongroom audit verify --dir /copy/trail --public-key audit.pem \\
      --until 2026-01-31T09:00:00Z --anchor anchors.jsonl`

interface VerifyFlags extends FolderFlags {
  readonly json: boolean
  readonly dir?: string
  readonly publicKey?: string
  readonly until?: number
  readonly anchor?: string
  readonly account?: string
  readonly allowUnsignedNewest: boolean
}

const trailOptions = (): readonly Option[] => [
  new Option('--dir <folder>', 'check this copy of the trail'),
  new Option('--public-key <file>', 'the public keys (PEM) that digests are signed with'),
  new Option('--until <time>', 'the trail must reach to within two hours of this time')
    .default(undefined, 'now')
    .argParser(parseInstant),
  new Option('--anchor <file>', 'anchors (JSON lines) that the log and the trail must contain'),
  accountOption('check only the trail of this account'),
  new Option(
    '--allow-unsigned-newest',
    'let the newest digest pass where the copy has no signature files',
  ).default(false),
]

/** `strongroom audit verify`. */
export function addVerify(group: Command, context: Context): void {
  const { terminal } = context
  const verify = group
    .command('verify')
    .description('Check that no audit record was changed, removed or added')
    .addHelpText('after', VERIFY_HELP)
  for (const option of [...trailOptions(), ...folderOptions(), jsonOption()]) {
    verify.addOption(option)
  }
  context.act<VerifyFlags>(verify, async (flags) => {
    const anchors = await anchorsOf(flags)
    // The default is no node that anybody named, and neither is a variable of the shell.
    const isNamed = verify.getOptionValueSource('data') === 'cli'
    const node = isNamed ? folderOf(flags, context) : undefined
    const trail = await verifyTrail(flags, { anchors, node }, context)
    const log =
      trail === undefined
        ? await context.program.auditVerify({ ...folderOf(flags, context), anchors })
        : trail.log
    const text = flags.json
      ? jsonLine(trail ?? log)
      : [trail && describeTrail(trail), log && describeVerdict(log)].join('')
    await terminal.out.write(text)
    return (trail?.intact ?? true) && (log?.intact ?? true) ? EXIT.ok : EXIT.failed
  })
}

async function anchorsOf({ anchor }: VerifyFlags): Promise<NamedText | undefined> {
  if (anchor === undefined) return undefined
  return { file: anchor, text: await readTextFile(anchor, 'anchor', ANCHOR_BYTES_MAX) }
}

/** Undefined where no copy was named. */
async function verifyTrail(
  flags: VerifyFlags,
  { anchors, node }: Pick<TrailVerifyOptions, 'anchors' | 'node'>,
  context: Context,
): Promise<TrailVerdict | undefined> {
  const { dir, publicKey, until, account, allowUnsignedNewest } = flags
  if (dir === undefined) {
    const isOnlyForTrail =
      publicKey !== undefined || until !== undefined || account !== undefined || allowUnsignedNewest
    if (isOnlyForTrail) {
      throw new UsageError(
        '--public-key, --until, --account and --allow-unsigned-newest need --dir',
      )
    }
    return undefined
  }
  if (publicKey === undefined) {
    throw new UsageError('--dir needs --public-key', {
      hint: '`strongroom audit public-key` prints it: keep it where whoever can write the trail cannot',
    })
  }
  const line = new LiveLine(context.terminal)
  try {
    return await context.program.auditVerifyTrail(
      {
        folder: dir,
        publicKeys: await readTextFile(publicKey, 'public key'),
        until,
        anchors,
        accountId: account,
        allowUnsignedNewest,
        node,
      },
      (counts) => line.show(`Verifying: ${extentOf(counts)} …`),
    )
  } finally {
    await line.clear()
  }
}

const extentOf = (counts: TrailCounts): string =>
  [
    count(counts.accounts, 'account'),
    count(counts.regions, 'Region'),
    count(counts.hours, 'hour'),
    count(counts.digests, 'digest'),
    count(counts.logFiles, 'log file'),
    count(counts.records, 'record'),
  ].join(', ')

function describeTrail(verdict: TrailVerdict): string {
  const { intact, findings, findingsLeftOut } = verdict
  const notes = verdict.notes.map((note) => `Note: ${printable(note)}.\n`).join('')
  if (intact) return `The trail is whole: ${extentOf(verdict)}.\n${notes}`
  const lines = findings.map(({ file, what }) => `  ${printable(`${file}: ${what}`)}\n`).join('')
  const more = findingsLeftOut > 0 ? `  … and ${findingsLeftOut} more\n` : ''
  return `The trail is broken: ${extentOf(verdict)}.\n${lines}${more}${notes}`
}

function describeVerdict(verdict: AuditVerdict): string {
  const extent = `${count(verdict.segments, 'segment')}, ${count(verdict.frames, 'frame')}`
  const notes = (verdict.notes ?? []).map((note) => `Note: ${printable(note)}.\n`).join('')
  if (!verdict.intact) {
    const problems = verdict.problems.map((problem) => `  ${printable(problem)}\n`).join('')
    return `The audit log is broken: ${extent}.\n${problems}${notes}`
  }
  return verdict.macsChecked
    ? `The audit log is whole: ${extent}.\n${notes}`
    : `The chain is whole; MACs were not checked: ${extent}.\n${notes}`
}
