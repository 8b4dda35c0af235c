import { listAt, type Node, nodeAt, textAt, textsAt, valueAt } from './manifests.ts'
import { checkStartArguments, checkStartVariable, START_VARIABLES } from './start-flags.ts'

/** What a pod of ours may not do, or must: the restricted Pod Security Standard, and what Strongroom needs besides. */
export function checkPod(pod: Node): readonly string[] {
  const problems: string[] = []
  const expect = (path: string, value: unknown): void => {
    if (valueAt(pod, path) !== value) problems.push(`${path} is not ${String(value)}`)
  }
  expect('automountServiceAccountToken', false)
  // A Service named strongroom would set STRONGROOM_PORT=tcp://…, the variable of a flag.
  expect('enableServiceLinks', false)
  expect('securityContext.runAsNonRoot', true)
  expect('securityContext.seccompProfile.type', 'RuntimeDefault')
  expect('securityContext.fsGroupChangePolicy', 'OnRootMismatch')
  if (!(Number(valueAt(pod, 'securityContext.runAsUser')) > 0)) problems.push('it runs as root')
  const containers = listAt(pod, 'containers')
  if (containers.length === 0) problems.push('it has no container')
  const volumes = new Set(listAt(pod, 'volumes').map((volume) => textAt(volume, 'name')))
  return [...problems, ...containers.flatMap((container) => checkContainer(container, volumes))]
}

function checkContainer(container: Node, volumes: ReadonlySet<string>): readonly string[] {
  const problems: string[] = []
  const security = nodeAt(container, 'securityContext')
  if (valueAt(security, 'allowPrivilegeEscalation') !== false) problems.push('it may gain rights')
  if (valueAt(security, 'readOnlyRootFilesystem') !== true) problems.push('its root can be written')
  if (textsAt(security, 'capabilities.drop').join() !== 'ALL')
    problems.push('it keeps capabilities')
  if (valueAt(security, 'privileged') === true) problems.push('it is privileged')
  for (const need of ['requests.cpu', 'requests.memory', 'limits.memory']) {
    if (textAt(container, `resources.${need}`) === '') problems.push(`it has no ${need}`)
  }
  for (const mount of listAt(container, 'volumeMounts')) {
    const name = textAt(mount, 'name')
    if (!volumes.has(name)) problems.push(`there is no volume ${name}`)
  }
  return [...problems, ...checkCommand(container)]
}

/** What is wrong with the flags and variables of a container. */
export function checkCommand(container: Node): readonly string[] {
  const [command, ...args] = textsAt(container, 'args')
  const problems: string[] = []
  if (command !== undefined) {
    if (command !== 'start') problems.push(`it runs ${command}`)
    problems.push(...checkStartArguments(args))
  }
  for (const variable of listAt(container, 'env')) {
    const name = textAt(variable, 'name')
    if (!name.startsWith('STRONGROOM_')) continue
    // The values of Secrets are not known here.
    if (valueAt(variable, 'valueFrom') === undefined) {
      problems.push(...checkStartVariable(name, textAt(variable, 'value')))
    } else if (!START_VARIABLES.has(name)) problems.push(`strongroom start has no flag for ${name}`)
  }
  return problems
}

/** The probes of a container that are there, and where they ask. */
export const probesOf = (container: Node): ReadonlyMap<string, Node> =>
  new Map(
    ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => [
      name,
      nodeAt(container, `${name}.httpGet`),
    ]),
  )
