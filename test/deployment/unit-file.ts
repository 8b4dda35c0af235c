/** A unit file: the values of each directive of each section, in order; an empty one takes away those before, as systemd does. */
export type UnitFile = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

/** Reads a unit file without continued lines. */
export function parseUnitFile(text: string): UnitFile {
  const sections = new Map<string, Map<string, string[]>>()
  let current: Map<string, string[]> | undefined
  for (const line of text.split('\n')) {
    if (line.trim() === '' || /^[#;]/.test(line)) continue
    const section = /^\[(\w+)\]$/.exec(line)?.[1]
    if (section !== undefined) {
      current = new Map()
      sections.set(section, current)
      continue
    }
    const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (name === '' || current === undefined) throw new Error(`no directive: ${line}`)
    current.set(name, value === '' ? [''] : [...(current.get(name) ?? []), value])
  }
  return sections
}

/** What every service of ours keeps to: what it may not do, and what must not be taken from it. */
const REQUIRED: readonly (readonly [string, string])[] = [
  ['NoNewPrivileges', 'yes'],
  ['CapabilityBoundingSet', ''],
  ['AmbientCapabilities', ''],
  ['ProtectSystem', 'strict'],
  ['ProtectHome', 'yes'],
  ['PrivateTmp', 'yes'],
  ['PrivateDevices', 'yes'],
  ['ProtectClock', 'yes'],
  ['ProtectKernelLogs', 'yes'],
  ['ProtectKernelModules', 'yes'],
  ['ProtectKernelTunables', 'yes'],
  ['ProtectControlGroups', 'yes'],
  ['RestrictNamespaces', 'yes'],
  ['RestrictRealtime', 'yes'],
  ['RestrictSUIDSGID', 'yes'],
  ['LockPersonality', 'yes'],
  ['SystemCallArchitectures', 'native'],
  ['LimitCORE', '0'],
  ['UMask', '0077'],
  ['StateDirectoryMode', '0700'],
  ['Restart', 'on-failure'],
  // V8 makes machine code at run time: with `yes` the process would end at its first hot loop.
  ['MemoryDenyWriteExecute', 'no'],
  ['RestrictAddressFamilies', 'AF_INET AF_INET6 AF_UNIX'],
]

/** What is missing or weakened in the hardening of a service. */
export function checkHardening(text: string): readonly string[] {
  const service = parseUnitFile(text).get('Service')
  const problems = REQUIRED.filter(([name, value]) => service?.get(name)?.join(' ') !== value).map(
    ([name, value]) => `${name} is not ${value === '' ? 'empty' : value}`,
  )
  const [allowed = '', ...denied] = service?.get('SystemCallFilter') ?? []
  if (allowed !== '@system-service')
    problems.push('SystemCallFilter allows more than services need')
  const without = denied.join(' ').replaceAll('~', '').split(' ')
  for (const set of ['@privileged', '@mount', '@debug']) {
    if (!without.includes(set)) problems.push(`SystemCallFilter does not take ${set} away`)
  }
  // Threads of a node lower their own priority, and fail without that call.
  if (without.includes('@resources')) problems.push('SystemCallFilter takes setpriority away')
  return problems
}
