import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Finished, runProgram, temporaryFolder } from './server-process.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
/** The provider below the folder of a registry, of which a mirror has one or more. */
const PROVIDER = join('hashicorp', 'aws')
/** Terraform looks into its own folders; a machine without network has its mirror in one of these. */
const MIRRORS = ['/opt', '/usr/local/share', '/usr/share']

/** The names of the folders in a folder; none where it cannot be read. */
function foldersIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch {
    return []
  }
}

/** A folder of providers on this machine that has the aws provider. */
function findMirror(): string | undefined {
  const given = process.env['STRONGROOM_TEST_TERRAFORM_MIRROR']
  if (given !== undefined) return given
  for (const parent of MIRRORS.filter((folder) => existsSync(folder))) {
    for (const name of foldersIn(parent)) {
      const folder = join(parent, name)
      if (foldersIn(folder).some((registry) => existsSync(join(folder, registry, PROVIDER)))) {
        return folder
      }
    }
  }
  return undefined
}

const mirror = findMirror()
const isInstalled = spawnSync('terraform', ['version']).status === 0

/** Why Terraform cannot be tried here; false where it can. */
export const terraformSkip: string | false = !isInstalled
  ? 'terraform is not on the PATH'
  : mirror === undefined
    ? 'no mirror of Terraform providers with hashicorp/aws is on this machine; STRONGROOM_TEST_TERRAFORM_MIRROR names one'
    : false

export interface TerraformSettings {
  readonly variables: Readonly<Record<string, string>>
  /** Credentials and Region of providers that name none. */
  readonly environment: Readonly<Record<string, string>>
}

/** Terraform in a copy of one of the configurations, with a state of its own. */
export class Terraform {
  readonly #folder = temporaryFolder()
  readonly #env: Readonly<Record<string, string>>

  /** @param configuration its folder, from the root of the repository */
  constructor(
    configuration: string,
    endpoint: string,
    { variables, environment }: TerraformSettings,
  ) {
    cpSync(join(REPOSITORY, configuration), this.#folder, { recursive: true })
    const settings = join(this.#folder, 'terraform.rc')
    writeFileSync(
      settings,
      `provider_installation {\n  filesystem_mirror { path = ${JSON.stringify(mirror)} }\n}\n`,
    )
    this.#env = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      CHECKPOINT_DISABLE: '1',
      TF_CLI_CONFIG_FILE: settings,
      TF_IN_AUTOMATION: '1',
      ...environment,
      ...Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value]),
      ),
    }
  }

  #run(args: readonly string[]): Promise<Finished> {
    return runProgram('terraform', [`-chdir=${this.#folder}`, ...args], { env: this.#env })
  }

  async init(): Promise<void> {
    const { exitCode, stdout, stderr } = await this.#run(['init', '-no-color', '-input=false'])
    assert.equal(exitCode, 0, stdout + stderr)
  }

  /** Applies, with some variables set otherwise. */
  async apply(variables: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.#change('apply', variables)
  }

  async destroy(): Promise<string> {
    return this.#change('destroy', {})
  }

  /** Asserts that there is nothing left to change. */
  async assertNothingToDo(variables: Readonly<Record<string, string>> = {}): Promise<void> {
    const flags = ['-detailed-exitcode', '-no-color', '-input=false', ...settingsOf(variables)]
    const { exitCode, stdout, stderr } = await this.#run(['plan', ...flags])
    assert.equal(exitCode, 0, stdout + stderr)
  }

  /** The outputs by name. */
  async outputs(): Promise<Readonly<Record<string, string>>> {
    const { exitCode, stdout, stderr } = await this.#run(['output', '-json'])
    assert.equal(exitCode, 0, stderr)
    const outputs: Record<string, { readonly value: string }> = JSON.parse(stdout)
    return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]))
  }

  async #change(command: string, variables: Readonly<Record<string, string>>): Promise<string> {
    const flags = ['-auto-approve', '-no-color', '-input=false', ...settingsOf(variables)]
    const { exitCode, stdout, stderr } = await this.#run([command, ...flags])
    assert.equal(exitCode, 0, stdout + stderr)
    return stdout
  }
}

const settingsOf = (variables: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(variables).map(([name, value]) => `-var=${name}=${value}`)
