/** One instruction of a container file, with lines that were continued put together. */
export interface Instruction {
  readonly name: string
  readonly rest: string
}

/** One `FROM` and what follows it. */
export interface Stage {
  /** As it stands, arguments put in. */
  readonly image: string
  readonly alias: string | undefined
  readonly instructions: readonly Instruction[]
}

export interface Containerfile {
  /** `ARG` in front of the first stage. */
  readonly globals: ReadonlyMap<string, string>
  readonly stages: readonly Stage[]
}

/** Reads a container file as far as our own uses the language: no here-documents, no other escape character. */
export function parseContainerfile(text: string): Containerfile {
  const globals = new Map<string, string>()
  const stages: { image: string; alias: string | undefined; instructions: Instruction[] }[] = []
  for (const instruction of instructionsOf(text)) {
    const { name, rest } = instruction
    const stage = stages.at(-1)
    if (name === 'FROM') {
      const [image = '', , alias] = rest.split(/\s+/)
      const resolved = image.replace(/\$\{(\w+)\}/g, (_, arg: string) => globals.get(arg) ?? '')
      stages.push({ image: resolved, alias, instructions: [] })
    } else if (stage !== undefined) stage.instructions.push(instruction)
    else if (name === 'ARG') {
      const at = rest.indexOf('=')
      globals.set(rest.slice(0, at), rest.slice(at + 1))
    }
  }
  return { globals, stages }
}

function instructionsOf(text: string): readonly Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line))
  const joined = lines.join('\n').replace(/\s*\\\n\s*/g, ' ')
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^\s*(\S+)\s*(.*)$/.exec(line) ?? []
      return { name: name.toUpperCase(), rest }
    })
}

/** `A=b C="d e"` of ENV and LABEL. */
export const pairsOf = (stage: Stage, name: 'ENV' | 'LABEL'): ReadonlyMap<string, string> =>
  new Map(
    stage.instructions
      .filter((instruction) => instruction.name === name)
      .flatMap(({ rest }) => [...rest.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)])
      .map(([, key = '', quoted, bare = '']) => [key, quoted ?? bare]),
  )

const SECRET_NAME = /(?:PASSWORD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|KEYFILE|API_KEY)/i

/** What an image of ours may not do. */
export function checkContainerfile(text: string): readonly string[] {
  const { stages } = parseContainerfile(text)
  const last = stages.at(-1)
  if (last === undefined) return ['it has no stage']
  return [
    ...stages.flatMap((stage, at) => checkStage(stage, stages.slice(0, at))),
    ...checkRuntime(last),
  ]
}

function checkStage(stage: Stage, before: readonly Stage[]): readonly string[] {
  const problems: string[] = []
  const isEarlier = before.some(({ alias }) => alias === stage.image)
  const tag = /:([\w.-]+)(?:@sha256:[0-9a-f]{64})?$/.exec(stage.image)?.[1]
  if (!isEarlier && (tag === undefined || tag === 'latest')) {
    problems.push(`${stage.image || 'an image'} has no tag that says what it is`)
  }
  for (const { name, rest } of stage.instructions) {
    if (name === 'ADD') problems.push('ADD fetches and unpacks by itself: COPY')
    if (name === 'RUN' && /\bnpm (?:i|install|update)\b/.test(rest)) {
      problems.push('npm ci keeps to the lockfile; npm install does not')
    }
    if (
      name === 'RUN' &&
      /\bnpm ci\b/.test(rest) &&
      !/\bnpm ci [^&]*--ignore-scripts\b/.test(rest)
    ) {
      problems.push('npm ci runs foreign code without --ignore-scripts')
    }
    if (name === 'RUN' && /\b(?:curl|wget)\b/.test(rest))
      problems.push('RUN fetches what no lockfile names')
    if (name === 'COPY' && /^(?:--\S+ )*\.\/? /.test(rest))
      problems.push('COPY . takes whatever lies there')
    if (name === 'ARG' || name === 'ENV') {
      const names = rest.match(/(?:^|\s)(\w+)(?==|$)/g) ?? []
      if (names.some((one) => SECRET_NAME.test(one))) problems.push(`a secret in ${name}: ${rest}`)
    }
  }
  return problems
}

/** What the runtime stage may run: packages of the distribution, without what they recommend, and no lists left behind. */
const PACKAGES_ALONE =
  /^apt-get update && apt-get install --yes --no-install-recommends [a-z0-9 +.-]+ && rm -rf \/var\/lib\/apt\/lists\/\*$/

function checkRuntime({ instructions }: Stage): readonly string[] {
  const problems: string[] = []
  const last = (name: string): string =>
    instructions.findLast((instruction) => instruction.name === name)?.rest ?? ''
  const [uid = '', gid = ''] = last('USER').split(':')
  // Numbers, because Kubernetes cannot tell from a name that it is not root.
  if (!/^[1-9]\d*$/.test(uid) || !/^[1-9]\d*$/.test(gid))
    problems.push('USER is not a number above 0')
  if (!/\bCMD \["/.test(last('HEALTHCHECK'))) problems.push('no HEALTHCHECK in the exec form')
  if (last('STOPSIGNAL') !== 'SIGTERM') problems.push('STOPSIGNAL is not the one that ends a node')
  if (last('VOLUME') === '') problems.push('no VOLUME for the data')
  if (!last('ENTRYPOINT').startsWith('[')) problems.push('ENTRYPOINT in a shell gets no signal')
  for (const { name, rest } of instructions) {
    if (name === 'RUN' && !PACKAGES_ALONE.test(rest)) {
      problems.push('the runtime stage runs more than the installation of packages')
    }
  }
  return problems
}
