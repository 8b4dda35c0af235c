/** What the program and the library ask of the server: one door, so that both load it only when they need it. */

export { drillBackup } from './backup/drill.ts'
export { restoreBackup } from './backup/restore.ts'
export { initFolder } from './init-folder.ts'
export { auditCat, auditVerify } from './operator/audit-commands.ts'
export { openEventLookup } from './operator/event-lookup.ts'
export { describeClient, openOperator, unseal } from './operator/operator-access.ts'
export { startServer } from './start-server.ts'
