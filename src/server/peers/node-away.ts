import { DependencyError } from '../../core/errors.ts'

/** Another node, or worker, whose audit log cannot be looked into now. */
export class NodeAway extends DependencyError {}
