import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import {
  A_STATUS,
  fakeOperator,
  fakeProgram,
  fakeTerminal,
} from '../../test/support/fake-terminal.ts'
import { OperatorError } from '../core/errors.ts'
import { runCommandLine } from './command-line.ts'
import type { DevOptions, Program, RunningServer, StartOptions } from './program.ts'

const A_FOLDER = {
  accountId: '111122223333',
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'very/secret',
  credentialsFile: '/data/root-credentials',
  keyfile: '/data/root.key',
}

const A_SERVER: RunningServer = {
  endpoint: 'http://127.0.0.1:7600',
  stop: async () => undefined,
  stopped: Promise.resolve(undefined),
}

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

async function run(
  argv: readonly string[],
  parts: Partial<Program> = {},
  options: Parameters<typeof fakeTerminal>[0] = {},
): Promise<Outcome> {
  const terminal = fakeTerminal(options)
  const exitCode = await runCommandLine(argv, terminal, fakeProgram(parts))
  return { exitCode, stdout: terminal.stdout(), stderr: terminal.stderr() }
}

/** What `startServer` was given for a command line and an environment. */
async function startedWith(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartOptions> {
  const given: StartOptions[] = []
  const startServer = async (options: StartOptions): Promise<RunningServer> => {
    given.push(options)
    return A_SERVER
  }
  const outcome = await run(['start', ...argv], { startServer }, { env })
  assert.equal(outcome.stderr, '')
  const [options] = given
  assert.ok(options)
  return options
}

describe('start', () => {
  test('without flags it serves loopback from ./strongroom-data', async () => {
    const { readPassphrase, ...options } = await startedWith([])
    assert.equal(typeof readPassphrase, 'function')
    assert.deepEqual(options, {
      dataFolder: './strongroom-data',
      store: undefined,
      keyfile: undefined,
      seal: undefined,
      passphraseFile: undefined,
      port: 7600,
      host: '127.0.0.1',
      region: 'us-east-1',
      tls: false,
      tlsHosts: [],
      allowPlainHttp: false,
      auditDurability: 'sync',
      acceptAuditDamage: false,
      logLevel: 'info',
    })
  })

  test('every flag arrives', async () => {
    const argv =
      '--port 0 --host :: --data d --store s --keyfile k --seal passphrase --passphrase-file p ' +
      '--region eu-central-1 --tls --tls-cert c --tls-key t --tls-host a --tls-host b,c ' +
      '--allow-plain-http --audit-durability async --accept-audit-damage --log-level debug'
    const { readPassphrase: _, ...options } = await startedWith(argv.split(' '))
    assert.deepEqual(options, {
      dataFolder: 'd',
      store: 's',
      keyfile: 'k',
      seal: 'passphrase',
      passphraseFile: 'p',
      port: 0,
      host: '::',
      region: 'eu-central-1',
      tls: true,
      tlsCert: 'c',
      tlsKey: 't',
      tlsHosts: ['a', 'b', 'c'],
      allowPlainHttp: true,
      auditDurability: 'async',
      acceptAuditDamage: true,
      logLevel: 'debug',
    })
  })

  test('a certificate alone means TLS, and needs its key', async () => {
    assert.equal((await startedWith(['--tls-cert', 'c', '--tls-key', 'k'])).tls, true)
    const outcome = await run(['start', '--tls-cert', 'c'])
    assert.equal(outcome.exitCode, 2)
    assert.match(outcome.stderr, /--tls-cert and --tls-key go together/)
  })

  test('the environment fills what no flag says, and an empty variable says nothing', async () => {
    const env = {
      STRONGROOM_PORT: '8000',
      STRONGROOM_HOST: '::1',
      STRONGROOM_TLS_HOST: 'a, b',
      STRONGROOM_ALLOW_PLAIN_HTTP: 'true',
      STRONGROOM_REGION: '',
    }
    const options = await startedWith(['--host', '127.0.0.2'], env)
    assert.equal(options.port, 8000)
    assert.equal(options.host, '127.0.0.2')
    assert.deepEqual(options.tlsHosts, ['a', 'b'])
    assert.equal(options.allowPlainHttp, true)
    assert.equal(options.region, 'us-east-1')
  })

  test('a switch whose variable says no stays off', async () => {
    for (const no of ['0', 'false', 'no', 'off', 'FALSE']) {
      const options = await startedWith([], { STRONGROOM_ALLOW_PLAIN_HTTP: no })
      assert.equal(options.allowPlainHttp, false)
    }
    const unclear = await run(['start'], {}, { env: { STRONGROOM_TLS: 'perhaps' } })
    assert.deepEqual(
      [unclear.exitCode, unclear.stderr.split('\n')[0]],
      [2, 'strongroom: STRONGROOM_TLS must be true or false'],
    )
  })

  test('the ready line alone is printed for a folder that exists', async () => {
    const outcome = await run(['start'], { startServer: async () => A_SERVER })
    assert.deepEqual(outcome, {
      exitCode: 0,
      stdout: 'strongroom ready at http://127.0.0.1:7600\n',
      stderr: '',
    })
  })

  test('a first start shows the credentials once, and where the root key must not stay', async () => {
    const startServer = async () => ({ ...A_SERVER, firstStart: A_FOLDER })
    const { stdout } = await run(['start', '--data', 'my data'], { startServer })
    assert.equal(stdout.split('very/secret').length, 2)
    assert.match(stdout, /AKIAEXAMPLE/)
    assert.match(stdout, /\/data\/root-credentials/)
    assert.match(stdout, /root\.key[^]*production[^]*another disk/)
    assert.match(stdout, /eval "\$\(strongroom env --data 'my data'\)"/)
    assert.match(stdout, /\nstrongroom ready at http:\/\/127\.0\.0\.1:7600\n$/)
  })

  test('what the operator can mend is said in plain words, with exit code 1', async () => {
    const startServer = async () => {
      throw new OperatorError('port 7600 is in use', 'Choose another one: --port NUMBER')
    }
    assert.deepEqual(await run(['start'], { startServer }), {
      exitCode: 1,
      stdout: '',
      stderr: 'strongroom: port 7600 is in use\nChoose another one: --port NUMBER\n',
    })
  })

  test('an unexpected error is one line, and its details are a variable away', async () => {
    const startServer = async () => {
      throw new Error('boom\nsecond line', { cause: new Error('the disk') })
    }
    const short = await run(['start'], { startServer })
    assert.equal(short.exitCode, 1)
    assert.equal(
      short.stderr,
      'strongroom: unexpected error: boom\nRun it again with STRONGROOM_DEBUG=1 to see the details.\n',
    )
    const long = await run(['start'], { startServer }, { env: { STRONGROOM_DEBUG: '1' } })
    assert.match(long.stderr, /at .*startServer[^]*caused by: Error: the disk/)
  })

  test('a passphrase becomes a Secret', async () => {
    const options = await startedWith([])
    await assert.rejects(options.readPassphrase(), /no terminal/)
  })
})

describe('refused command lines', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['start --port 65536', /^strongroom: --port <number> must be a whole number from 0 to 65535\n/],
    ['start --port -1', /--port/],
    ['start --port 0x50', /whole number/],
    ['start --port 7e3', /whole number/],
    ['start --port', /--port <number>' argument missing/],
    ['start --data=', /--data <folder> must not be empty/],
    ['start --seal shares', /--seal <kind> must be one of: keyfile, passphrase/],
    ['start --region Frankfurt', /--region <name> must be the name of a Region/],
    ['start --log-level loud', /must be one of: trace/],
    [
      'start --prot 1',
      /unknown option '--prot'\. Did you mean --port\?\nSee: strongroom start --help/,
    ],
    ['start extra', /too many arguments/],
    ['strat', /unknown command 'strat'\. Did you mean start\?\nSee: strongroom --help\n/],
    [
      'account crate',
      /unknown command 'crate'\. Did you mean create\?\nSee: strongroom account --help/,
    ],
    ['account create --account 12', /must be an account id of 12 digits/],
    ['dev --account abcdefghijkl', /must be an account id of 12 digits/],
    ['env --endpoint localhost:7600', /must be an http or https URL/],
    ['--frobnicate', /unknown option '--frobnicate'/],
  ]
  for (const [line, message] of refused) {
    test(`"${line}" ends with exit code 2`, async () => {
      const outcome = await run(line.split(' '))
      assert.equal(outcome.exitCode, 2)
      assert.equal(outcome.stdout, '')
      assert.match(outcome.stderr, message)
    })
  }

  test('a wrong variable is named, its value is not', async () => {
    const outcome = await run(['start'], {}, { env: { STRONGROOM_PORT: 'hunter2' } })
    assert.equal(outcome.exitCode, 2)
    assert.match(outcome.stderr, /^strongroom: STRONGROOM_PORT must be a whole number/)
    assert.doesNotMatch(outcome.stderr, /hunter2/)
  })

  test('no error repeats what might be a secret', async () => {
    const lines = [
      'start --passphrase=hunter2',
      'start --passphrase hunter2',
      '--passphrase hunter2 start',
      'start hunter2',
      'start --port hunter2',
      'start --seal passphrase:hunter2',
      'start --region hunter2',
      'dev --account hunter2',
      'env --endpoint hunter2',
      'account create --account=hunter2',
      'Hunter2/hunter2',
      'account hunter2=',
    ]
    for (const line of lines) {
      const outcome = await run(line.split(' '))
      assert.equal(outcome.exitCode, 2, line)
      assert.doesNotMatch(outcome.stderr + outcome.stdout, /hunter2/, line)
    }
  })

  test('a group without its command shows its help on standard error', async () => {
    for (const argv of [[], ['account'], ['audit'], ['credentials']]) {
      const outcome = await run(argv)
      assert.equal(outcome.exitCode, 2)
      assert.equal(outcome.stdout, '')
      assert.match(outcome.stderr, /^Usage: strongroom/)
    }
  })
})

describe('dev', () => {
  test('passes its flags and prints what a shell needs before the ready line', async () => {
    const given: DevOptions[] = []
    const startDev = async (options: DevOptions) => {
      given.push(options)
      return A_SERVER
    }
    const argv = 'dev --port 0 --account 111122223333 --seed keys.json'.split(' ')
    const { exitCode, stdout } = await run(argv, { startDev })
    assert.equal(exitCode, 0)
    assert.deepEqual(given, [
      {
        port: 0,
        host: '127.0.0.1',
        account: '111122223333',
        region: 'us-east-1',
        seedFile: 'keys.json',
        logLevel: 'warn',
      },
    ])
    assert.match(stdout, /export AWS_ENDPOINT_URL=http:\/\/127\.0\.0\.1:7600\n/)
    assert.match(stdout, /export AWS_ACCESS_KEY_ID=111122223333\n/)
    assert.match(stdout, /\nstrongroom ready at http:\/\/127\.0\.0\.1:7600\n$/)
  })
})

describe('init', () => {
  test('prints what a first start prints, or JSON', async () => {
    const initFolder = async () => A_FOLDER
    const text = await run(['init'], { initFolder })
    assert.match(text.stdout, /very\/secret/)
    const json = await run(['init', '--json', '--port', '1'], { initFolder })
    assert.deepEqual(JSON.parse(json.stdout), A_FOLDER)
  })

  test('with a passphrase it warns of losing that instead of the file', async () => {
    const { stdout } = await run(['init'], {
      initFolder: async () => ({ ...A_FOLDER, keyfile: undefined, caFile: '/data/ca.pem' }),
    })
    assert.match(stdout, /The passphrase opens everything/)
    assert.match(stdout, /CA certificate: \/data\/ca\.pem/)
    assert.doesNotMatch(stdout, /root\.key/)
  })
})

describe('env', () => {
  const client = {
    endpoint: 'https://127.0.0.1:7600',
    region: 'eu-central-1',
    credentialsFile: "/data/it's/root-credentials",
    caFile: '/data/ca.pem',
  }

  test('prints lines that a shell can evaluate', async () => {
    const outcome = await run(['env'], { describeClient: async () => client })
    assert.equal(
      outcome.stdout,
      [
        'export AWS_ENDPOINT_URL=https://127.0.0.1:7600',
        'export AWS_REGION=eu-central-1',
        'export AWS_DEFAULT_REGION=eu-central-1',
        String.raw`export AWS_SHARED_CREDENTIALS_FILE='/data/it'\''s/root-credentials'`,
        'export AWS_CA_BUNDLE=/data/ca.pem',
        'export NODE_EXTRA_CA_CERTS=/data/ca.pem',
        '',
      ].join('\n'),
    )
  })

  test('unsets what would win over the credentials file', async () => {
    const outcome = await run(
      ['env'],
      { describeClient: async () => ({ ...client, caFile: undefined }) },
      { env: { AWS_PROFILE: 'prod', AWS_SESSION_TOKEN: 'x' } },
    )
    assert.match(outcome.stdout, /^unset AWS_SESSION_TOKEN AWS_PROFILE\nexport /)
    assert.doesNotMatch(outcome.stdout, /CA/)
  })

  test('flags win over the node', async () => {
    const argv = 'env --endpoint https://kms.example.com --region us-west-2 --json'.split(' ')
    const outcome = await run(argv, { describeClient: async () => client })
    const variables: unknown = JSON.parse(outcome.stdout)
    assert.partialDeepStrictEqual(variables, {
      AWS_ENDPOINT_URL: 'https://kms.example.com',
      AWS_REGION: 'us-west-2',
    })
  })

  test('without a node nothing is printed for the shell to evaluate', async () => {
    const outcome = await run(['env'], {
      describeClient: async () => ({ ...client, endpoint: undefined }),
    })
    assert.equal(outcome.stdout, '')
    assert.notEqual(outcome.exitCode, 0)
    assert.match(outcome.stderr, /no node runs on \.\/strongroom-data/)
  })
})

describe('operator commands', () => {
  const issued = { accountId: '111122223333', accessKeyId: 'AKIANEW', secretAccessKey: 's3cret' }
  const account = {
    accountId: '111122223333',
    name: 'payments',
    createdAt: '2030-01-01T00:00:00.000Z',
    accessKeyIds: ['AKIAOLD'],
  }

  test('status is for people, or JSON', async () => {
    const { openOperator, closed } = fakeOperator({ status: async () => A_STATUS })
    const text = await run(['status'], { openOperator })
    assert.match(text.stdout, /^node +running at http:\/\/127\.0\.0\.1:7600\n/)
    assert.match(text.stdout, /seal +keyfile, \/data\/root\.key\n/)
    const json = await run(['status', '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), A_STATUS)
    assert.equal(closed(), 2)
  })

  test('account create passes what was given and prints the secret once', async () => {
    const requests: unknown[] = []
    const { openOperator } = fakeOperator({
      createAccount: async (request) => {
        requests.push(request)
        return issued
      },
    })
    const text = await run(['account', 'create'], { openOperator })
    assert.equal(text.stdout.split('s3cret').length, 2)
    const argv = 'account create --account 111122223333 --name payments --json'.split(' ')
    const json = await run(argv, { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), issued)
    assert.deepEqual(requests, [{}, { accountId: '111122223333', name: 'payments' }])
  })

  test('account list shows one account a line', async () => {
    const { openOperator } = fakeOperator({ listAccounts: async () => [account] })
    const { stdout } = await run(['account', 'list'], { openOperator })
    assert.equal(stdout, '111122223333  2030-01-01T00:00:00.000Z  AKIAOLD  payments\n')
  })

  test('credentials rotate takes the only account, and asks which of several', async () => {
    const rotated: string[] = []
    const rotateCredentials = async ({ accountId }: { readonly accountId: string }) => {
      rotated.push(accountId)
      return issued
    }
    const one = fakeOperator({ rotateCredentials, listAccounts: async () => [account] })
    assert.equal((await run(['credentials', 'rotate'], one)).exitCode, 0)
    const two = fakeOperator({ rotateCredentials, listAccounts: async () => [account, account] })
    const unclear = await run(['credentials', 'rotate'], { openOperator: two.openOperator })
    assert.equal(unclear.exitCode, 2)
    assert.match(unclear.stderr, /which of the 2 accounts\?\nName it: --account ID/)
    assert.equal(two.closed(), 1)
    const named = 'credentials rotate --account 999999999999'.split(' ')
    await run(named, { openOperator: two.openOperator })
    assert.deepEqual(rotated, ['111122223333', '999999999999'])
  })

  test('key rotation says what was done', async () => {
    const { openOperator } = fakeOperator({
      rotateDomainKey: async () => ({ domainKeyId: 'd2', rewrapped: 7 }),
      rotateRootKey: async () => ({ rootKeyId: 'r2' }),
    })
    const domain = await run(['rotate-domain-key'], { openOperator })
    assert.equal(domain.stdout, 'The domain key is now d2; 7 secrets are wrapped under it.\n')
    const root = await run(['rotate-root-key', '--json'], { openOperator })
    assert.equal(root.stdout, '{"rootKeyId":"r2"}\n')
  })

  test('the door is closed also when the call fails', async () => {
    const { openOperator, closed } = fakeOperator({
      rotateRootKey: async () => {
        throw new OperatorError('the key file cannot be written')
      },
    })
    const outcome = await run(['rotate-root-key'], { openOperator })
    assert.deepEqual(
      [outcome.exitCode, outcome.stderr, closed()],
      [1, 'strongroom: the key file cannot be written\n', 1],
    )
  })
})

describe('audit', () => {
  test('cat prints one record a line', async () => {
    const auditCat: Program['auditCat'] = async (options, write) => {
      assert.equal(options.dataFolder, 'copy')
      await write('{"a":1}')
      await write('{"a":2}')
    }
    const outcome = await run(['audit', 'cat', '--data', 'copy'], { auditCat })
    assert.deepEqual(outcome, { exitCode: 0, stdout: '{"a":1}\n{"a":2}\n', stderr: '' })
  })

  test('cat stops without a word when its reader leaves', async () => {
    let reads = 0
    const auditCat: Program['auditCat'] = async (_options, write) => {
      for (; ; reads += 1) await write('{}')
    }
    const outcome = await run(['audit', 'cat'], { auditCat }, { readLines: 3 })
    assert.deepEqual([outcome.exitCode, outcome.stderr, reads], [0, '', 3])
  })

  test('verify exits 0 on a whole chain and 1 on a broken one, saying where', async () => {
    const whole = { intact: true, segments: 2, frames: 10, problems: [] }
    const good = await run(['audit', 'verify'], { auditVerify: async () => whole })
    assert.deepEqual(good, {
      exitCode: 0,
      stdout: 'The audit log is whole: 2 segments, 10 frames.\n',
      stderr: '',
    })
    const broken = { ...whole, intact: false, problems: ['segment 2: frame 7 was changed'] }
    const bad = await run(['audit', 'verify'], { auditVerify: async () => broken })
    assert.equal(bad.exitCode, 1)
    assert.match(bad.stdout, /broken[^]*\n {2}segment 2: frame 7 was changed\n$/)
    const json = await run(['audit', 'verify', '--json'], { auditVerify: async () => broken })
    assert.deepEqual([json.exitCode, JSON.parse(json.stdout)], [1, broken])
  })

  test('verify keeps its exit code when nobody reads', async () => {
    const broken = { intact: false, segments: 1, frames: 1, problems: [] }
    const argv = ['audit', 'verify']
    const outcome = await run(argv, { auditVerify: async () => broken }, { readLines: 0 })
    assert.equal(outcome.exitCode, 1)
  })
})

test('version is printed by command and by flag', async () => {
  for (const argv of [['version'], ['--version'], ['-V']]) {
    assert.deepEqual(await run(argv), { exitCode: 0, stdout: '1.2.3\n', stderr: '' })
  }
})
