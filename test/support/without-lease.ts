/**
 * Loaded before the program (`--import`) by a test that must see the revocation guarantee broken: a
 * node serves from its caches whether or not it knows of the changes of others. The program itself has
 * no such switch.
 */
import { Lease } from '../../src/storage/postgres/lease.ts'

Lease.prototype.isFresh = () => true
