import type { StartOptions } from '../cli/program.ts'
import type { TlsCredentials } from './http-server.ts'
import type { NodeState, StateParts } from './node-state.ts'
import type { TlsChoice } from './tls-choice.ts'
export const ensureAuthority = async (_s: NodeState, _p: StateParts): Promise<void> => {}
export const tlsCredentials = async (
  _t: TlsChoice,
  _o: StartOptions,
  _s: NodeState,
  _p: StateParts,
): Promise<TlsCredentials | undefined> => undefined
