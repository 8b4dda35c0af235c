import type { Command } from 'commander'
import type { Context } from '../../context.ts'
import { addCat } from './cat.ts'
import { addProve } from './prove.ts'
import { addReindex } from './reindex.ts'
import { addSearch } from './search.ts'
import { addSigningKeys } from './signing-keys.ts'
import { addStats } from './stats.ts'
import { addTail } from './tail.ts'
import { addVerify } from './verify.ts'

/** `strongroom audit …`. */
export function addAudit(parent: Command, context: Context): void {
  const group = parent.command('audit').description('Search, read and verify the audit log')
  addSearch(group, context)
  addTail(group, context)
  addStats(group, context)
  addReindex(group, context)
  addCat(group, context)
  addVerify(group, context)
  addSigningKeys(group, context)
  addProve(group, context)
}
