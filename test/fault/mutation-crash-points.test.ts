import { describe } from 'node:test'
import { temporaryFolder } from '../support/server-process.ts'
import { cutChangesOff } from './mutation-cuts.ts'

describe('every change of a key, grant, alias, user or role', () =>
  cutChangesOff(temporaryFolder()))
