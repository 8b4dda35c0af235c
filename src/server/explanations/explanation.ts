import { OperatorError } from '../../core/errors.ts'
import type {
  ExplainedDecision,
  Explanation,
  NearMiss,
  StatementRef,
} from '../../core/explanations.ts'

/** A decision as `DecisionRecords` writes it. */
interface DecidedEntry {
  readonly action: string
  readonly resource: string
  /** Whose resource it is. */
  readonly owner?: string
  readonly allowed: boolean
  readonly path?: string
  readonly denial?: { readonly layer: string; readonly isExplicit: boolean }
  readonly missing?: readonly string[]
  readonly grounds: readonly StatementRef[]
  readonly grants?: readonly { readonly grantId: string; readonly name: string }[]
  readonly nearMisses?: readonly NearMiss[]
}

interface CallRecord {
  readonly userIdentity: {
    readonly accountId: string
    readonly principalId?: string
    readonly arn?: string
    readonly accessKeyId?: string
  }
  readonly eventTime: string
  readonly eventSource: string
  readonly eventName: string
  readonly awsRegion: string
  readonly sourceIPAddress: string
  readonly userAgent: string
  readonly errorCode?: string
  readonly errorMessage?: string
  readonly requestID?: string
}

/** A frame of the log, of the kinds that a request id is found in. */
interface RequestFrame {
  readonly kind: string
  readonly internal: {
    readonly time: number
    readonly outcome: string
    readonly decided?: readonly DecidedEntry[]
    readonly requestId?: string
    readonly service?: string
    readonly operation?: string
    readonly claimedAccessKeyId?: string
    readonly sourceIPAddress?: string
    /** Of a call that no account has in its log. */
    readonly unlisted?: CallRecord
  }
  /** The caller's first. */
  readonly records: readonly CallRecord[]
}

const callRecordOf = ({ records, internal }: RequestFrame): CallRecord | undefined =>
  records[0] ?? internal.unlisted

/** An explanation, with what decides who may have it. */
export interface FoundCall {
  /** For those who may see all of it. */
  readonly explanation: Explanation
  /** Whose resource each decision was about. */
  readonly owners: readonly string[]
}

const REQUEST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** @throws OperatorError for what is no request id */
export function getRequestId(text: unknown): string {
  if (typeof text === 'string' && REQUEST_ID.test(text)) return text
  throw new OperatorError(
    'that is not a request id',
    'it is the x-amzn-RequestId of a reply, and the requestID of an audit record',
  )
}

/** Whether a frame is of a request. Callers choose much of what stands in a frame: that the id is there proves nothing. */
export const isOfRequest =
  (requestId: string) =>
  (text: string): boolean =>
    text.includes(requestId) && frameOfRequest(text, requestId) !== undefined

function frameOfRequest(text: string, requestId: string): RequestFrame | undefined {
  // The frame was written by this program, by `FrameWriter` and `DecisionRecords`.
  const frame = JSON.parse(text) as RequestFrame
  const id = frame.kind === 'call' ? callRecordOf(frame)?.requestID : frame.internal.requestId
  return id === requestId && (frame.kind === 'call' || frame.kind === 'refusal') ? frame : undefined
}

const decisionOf = (entry: DecidedEntry): ExplainedDecision => {
  const { action, resource, allowed, path, denial, missing, grounds } = entry
  const { grants = [], nearMisses = [] } = entry
  return {
    action,
    resource,
    allowed,
    ...(path !== undefined && { path }),
    ...(denial !== undefined && { denial }),
    ...(missing !== undefined && { missing }),
    statements: grounds,
    grants,
    nearMisses,
  }
}

/** A request that was refused before it was a call. */
function refusedRequest(frame: RequestFrame, requestId: string): FoundCall {
  const { internal } = frame
  const explanation: Explanation = {
    requestId,
    time: new Date(internal.time).toISOString(),
    service: internal.service ?? '',
    operation: internal.operation ?? '',
    region: '',
    caller: { accountId: '', principalId: '', accessKeyId: internal.claimedAccessKeyId },
    sourceAddress: internal.sourceIPAddress ?? '',
    userAgent: '',
    error: { code: internal.outcome },
    decisions: [],
    note: 'The request was refused before anything was decided: the caller was not known, or the request not well formed.',
  }
  return { explanation, owners: [] }
}

const NOTHING_DECIDED = 'Nothing was decided: the call ended before, or needs no permission.'

/**
 * Explains the call that a frame of the log records.
 * @returns undefined for a frame that is of another request after all
 */
export function explainFrame(text: string, requestId: string): FoundCall | undefined {
  const frame = frameOfRequest(text, requestId)
  if (frame?.kind === 'refusal') return refusedRequest(frame, requestId)
  const record = frame && callRecordOf(frame)
  if (frame === undefined || record === undefined) return undefined
  const { userIdentity, errorCode, errorMessage } = record
  const { accountId, principalId = '', arn, accessKeyId } = userIdentity
  const decided = frame.internal.decided ?? []
  const explanation: Explanation = {
    requestId,
    time: record.eventTime,
    service: record.eventSource,
    operation: record.eventName,
    region: record.awsRegion,
    caller: { accountId, principalId, arn, accessKeyId },
    sourceAddress: record.sourceIPAddress,
    userAgent: record.userAgent,
    ...(errorCode !== undefined && {
      error: { code: frame.internal.outcome, message: errorMessage },
    }),
    decisions: decided.map(decisionOf),
    ...(decided.length === 0 && { note: NOTHING_DECIDED }),
  }
  return { explanation, owners: decided.map(({ owner }) => owner ?? accountId) }
}

/** The layers of the policies that belong to the resource; all others belong to the caller. */
const OF_RESOURCE: ReadonlySet<string> = new Set(['resource-policy', 'trust-policy'])
/** Ways that say what the resource's own account has. */
const WAYS_OF_RESOURCE: ReadonlySet<string> = new Set(['resource-policy', 'trust-policy', 'grant'])

/** What of a decision about another account's resource an asker may know. */
function narrowed(
  decision: ExplainedDecision,
  sees: { readonly caller: boolean; readonly resource: boolean },
): ExplainedDecision {
  const isSeen = (layer: string): boolean => (OF_RESOURCE.has(layer) ? sees.resource : sees.caller)
  const { path, denial, missing, statements, grants, nearMisses, resource, action, allowed } =
    decision
  const seenMissing = missing?.filter(isSeen) ?? []
  const isSeenMiss = (miss: NearMiss): boolean =>
    miss.kind === 'grant' ? sees.resource : isSeen(miss.statement.layer)
  const withoutCap = (miss: NearMiss): NearMiss => {
    if (miss.kind !== 'grant' || sees.caller) return miss
    const { cappedBy: _, ...rest } = miss
    return rest
  }
  const isPathSeen =
    path !== undefined && (WAYS_OF_RESOURCE.has(path) ? sees.resource : sees.caller)
  return {
    action,
    resource: sees.resource ? resource : 'a resource of another account',
    allowed,
    ...(isPathSeen && { path }),
    ...(denial !== undefined && isSeen(denial.layer) && { denial }),
    ...(seenMissing.length > 0 && { missing: seenMissing }),
    statements: statements.filter(({ layer }) => isSeen(layer)),
    grants: sees.resource ? grants : [],
    nearMisses: nearMisses.filter(isSeenMiss).map(withoutCap),
    // Always said across accounts, whether there was something to hide or not.
    isPartlyHidden: true,
  }
}

/**
 * What an asker may know of a call: of its own calls what policies of its own account said, of calls on its
 * account's keys what those keys' policies and grants said.
 * @param accountId the asker's
 * @param isOwn whether the call was the asker's own, or of its account where it is the root
 * @param mayReadPolicy by decision: whether it is about a key of the asker's account whose policy the asker may read
 * @returns undefined where that is nothing
 */
export function explanationFor(
  { explanation, owners }: FoundCall,
  asker: {
    readonly accountId: string
    readonly isOwn: boolean
    readonly mayReadPolicy: readonly boolean[]
  },
): Explanation | undefined {
  const { accountId, isOwn, mayReadPolicy } = asker
  const { caller, error, decisions, ...rest } = explanation
  const isHome = caller.accountId === accountId
  const shown = decisions.flatMap((decision, index) => {
    const isOwner = owners[index] === accountId
    if (!isOwn && mayReadPolicy[index] !== true) return []
    if (isHome && isOwner) return [decision]
    return [narrowed(decision, { caller: isHome, resource: isOwner })]
  })
  if (!isOwn && shown.length === 0) return undefined
  const { principalId } = caller
  return {
    ...rest,
    // As in CloudTrail: a key's owner learns of a caller in another account which account and principal it was.
    caller: isHome ? caller : { accountId: caller.accountId, principalId },
    ...(error && { error: isHome ? error : { code: error.code } }),
    decisions: shown,
  }
}
