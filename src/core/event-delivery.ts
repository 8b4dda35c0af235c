/** What an operator may do about events that go out. */
export interface EventOperator {
  eventStatus(): Promise<readonly EventSinkStatus[]>
  /** Events that were given up, in their order, so many at most. */
  listDeadLetters(request: {
    readonly limit: number
    /** Only those behind this one. */
    readonly after?: DeadLetterPlace
  }): Promise<readonly DeadLetter[]>
  /** Has events that were given up sent again: one, or all of them. */
  redriveDeadLetters(request: { readonly eventId?: string }): Promise<{ readonly events: number }>
  /** Forgets events that were given up: one, or all of them. */
  discardDeadLetters(request: { readonly eventId?: string }): Promise<{ readonly events: number }>
}

/** A sink, as far as it is known. */
export interface EventSinkStatus {
  readonly sink: string
  /** `stopped`: no node runs that sends to it. `disabled`: it said that it wants no more. */
  readonly state: 'sending' | 'waiting' | 'disabled' | 'stopped'
  /** The frame of the audit log up to which it was served. */
  readonly sequence: number
  readonly held: number
  readonly deadLetters: number
  /** Only of a node that runs, as `FeedStats`. */
  readonly behind?: number
  readonly delivered?: number
  readonly failures?: number
  readonly oldestMs?: number
  readonly lastFailure?: string
}

export interface DeadLetterPlace {
  readonly nodeId: string
  readonly sink: string
  readonly position: string
}

export interface DeadLetter extends DeadLetterPlace {
  readonly eventId: string
  readonly detailType: string
  /** ISO 8601: when it was first not taken. */
  readonly heldAt: string
  readonly attempts: number
  readonly lastFailure: string
  /** The event as it would be sent, JSON. */
  readonly event: string
}
