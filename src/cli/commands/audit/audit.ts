import type { Command } from 'commander'
import type { Context } from '../../context.ts'
import { addCat } from './cat.ts'
import { addProve } from './prove.ts'
import { addSigningKeys } from './signing-keys.ts'
import { addVerify } from './verify.ts'

/** `strongroom audit …`. */
export function addAudit(parent: Command, context: Context): void {
  const group = parent.command('audit').description('Read and verify the audit log')
  addCat(group, context)
  addVerify(group, context)
  addSigningKeys(group, context)
  addProve(group, context)
}
