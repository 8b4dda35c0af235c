/**
 * Loaded before the program (`--import`) by a test that must see the revocation guarantee broken: a
 * worker serves from its caches and never asks what other workers have changed. The program itself has no such switch.
 */
import { SharedFile } from '../../src/storage/embedded/shared-file.ts'

SharedFile.prototype.isFresh = () => true
