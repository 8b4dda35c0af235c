import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { runFake as run } from '../../test/support/fake-terminal.ts'
import { DependencyError, IntegrityError, OperatorError } from '../core/errors.ts'
import type { DevOptions, Program, StartOptions } from './program.ts'
import type { RunningServer } from './serving-program.ts'

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
    const { readPassphrase, readShare, showShares, ...options } = await startedWith([])
    assert.deepEqual([typeof readShare, typeof showShares], ['function', 'function'])
    assert.equal(typeof readPassphrase, 'function')
    assert.deepEqual(options, {
      dataFolder: './strongroom-data',
      store: undefined,
      keyfile: undefined,
      seal: undefined,
      passphraseFile: undefined,
      hasShareFiles: false,
      port: 7600,
      host: '127.0.0.1',
      region: 'us-east-1',
      tls: false,
      tlsHosts: [],
      allowPlainHttp: false,
      auditDurability: 'sync',
      acceptAuditDamage: false,
      oidcAllowPrivate: false,
      logLevel: 'info',
    })
  })

  test('every flag arrives', async () => {
    const argv =
      '--port 0 --host :: --data d --store s --keyfile k --seal passphrase --passphrase-file p ' +
      '--region eu-central-1 --tls --tls-cert c --tls-key t --tls-host a --tls-host b,c ' +
      '--allow-plain-http --audit-durability async --accept-audit-damage --log-level debug ' +
      '--attestation-root r --trusted-proxy 10.0.0.0/8,::1 --trusted-proxy 192.0.2.1 ' +
      '--metrics-from 192.0.2.0/24 ' +
      '--oidc-allow-private --shares 5 --threshold 3 --share-file f --audit-retention 90'
    const started = await startedWith(argv.split(' '))
    const { readPassphrase: _, readShare: _reads, showShares: _shows, ...options } = started
    assert.deepEqual(options, {
      dataFolder: 'd',
      store: 's',
      keyfile: 'k',
      seal: 'passphrase',
      passphraseFile: 'p',
      quorum: { shares: 5, threshold: 3 },
      hasShareFiles: true,
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
      auditRetentionDays: 90,
      attestationRootFile: 'r',
      trustedProxies: ['10.0.0.0/8', '::1', '192.0.2.1'],
      metricsFrom: ['192.0.2.0/24'],
      oidcAllowPrivate: true,
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
      STRONGROOM_TRUSTED_PROXY: '10.0.0.0/8, ::1',
      STRONGROOM_ALLOW_PLAIN_HTTP: 'true',
      STRONGROOM_REGION: '',
    }
    const options = await startedWith(['--host', '127.0.0.2'], env)
    assert.equal(options.port, 8000)
    assert.equal(options.host, '127.0.0.2')
    assert.deepEqual(options.tlsHosts, ['a', 'b'])
    assert.deepEqual(options.trustedProxies, ['10.0.0.0/8', '::1'])
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
    const startServer: Program['startServer'] = async (_options, onFolderMade) => {
      onFolderMade?.(A_FOLDER)
      return A_SERVER
    }
    const { stdout } = await run(['start', '--data', 'my data'], { startServer })
    assert.equal(stdout.split('very/secret').length, 2)
    assert.match(stdout, /AKIAEXAMPLE/)
    assert.match(stdout, /\/data\/root-credentials/)
    assert.match(stdout, /root\.key[^]*production[^]*another disk/)
    assert.match(stdout, /eval "\$\(strongroom env --data 'my data'\)"/)
    assert.match(stdout, /\nstrongroom ready at http:\/\/127\.0\.0\.1:7600\n$/)
  })

  test('a first start that fails late shows the credentials all the same', async () => {
    const startServer: Program['startServer'] = async (_options, onFolderMade) => {
      onFolderMade?.(A_FOLDER)
      throw new OperatorError('port 7600 is in use')
    }
    const { exitCode, stdout, stderr } = await run(['start'], { startServer })
    assert.deepEqual([exitCode, stderr], [1, 'strongroom: port 7600 is in use\n'])
    assert.equal(stdout.split('very/secret').length, 2)
    assert.doesNotMatch(stdout, /ready/)
  })

  test('listening on every address is said', async () => {
    const startServer = async () => A_SERVER
    for (const host of ['0.0.0.0', '::']) {
      const { stdout } = await run(['start', '--host', host, '--tls'], { startServer })
      const said = `at http://127.0.0.1:7600 (listening on all addresses, ${host})\n`
      assert.ok(stdout.endsWith(said), stdout)
    }
  })

  test('what the operator can mend is said in plain words, with exit code 1', async () => {
    const startServer = async () => {
      throw new OperatorError('port 7600 is in use', 'Choose another one: --port NUMBER')
    }
    assert.deepEqual(await run(['start'], { startServer }), {
      exitCode: 1,
      stdout: '',
      stderr: 'strongroom: port 7600 is in use\nChoose another one: --port NUMBER.\n',
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
    ['start --workers 1000', /--workers <number> must be a whole number from 1 to 256\n/],
    ['tls issue-operator a --days 398', /--days <number> must .* from 1 to 397\n/],
    ['start --port 0x50', /whole number/],
    ['start --port 7e3', /whole number/],
    ['start --port', /--port <number>' argument missing/],
    ['start --data=', /--data <folder> must not be empty/],
    ['start --seal hsm', /--seal <kind> must be one of: keyfile, passphrase, shares/],
    ['init --seal shares --shares 5', /--shares and --threshold go together/],
    ['start --region Frankfurt', /--region <name> must be the name of a Region/],
    ['start --log-level loud', /must be one of: trace/],
    [
      'start --prot 1',
      /unknown option '--prot'\. Did you mean --port\?\nSee: strongroom start --help/,
    ],
    ['start extra', /too many arguments/],
    ['mistyped --help', /unknown command 'mistyped'\nSee: strongroom --help\n/],
    ['strat -h', /unknown command 'strat'\. Did you mean start\?\nSee: strongroom --help\n/],
    ['account crate --help', /unknown command 'crate'[^]*See: strongroom account --help\n/],
    ['help strat', /^Usage: strongroom/],
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

describe('how a failure is told', () => {
  const toldFor = async (error: Error, commandName = 'strongroom') => {
    const startServer = async () => Promise.reject(error)
    const { exitCode, stderr } = await run(['start'], { startServer, commandName })
    assert.equal(exitCode, 1)
    return stderr
  }

  test('a hint is a sentence, whoever wrote it', async () => {
    const sentences = [
      ['choose another with --data', 'Choose another with --data.'],
      ['Is a node running?', 'Is a node running?'],
      ['strongroom start makes one', 'strongroom start makes one.'],
      ['--data names it', '--data names it.'],
    ] as const
    for (const [hint, sentence] of sentences) {
      assert.equal(await toldFor(new OperatorError('no', hint)), `strongroom: no\n${sentence}\n`)
    }
  })

  test('a hint calls the program as it is called here', async () => {
    const hint = 'make one in /srv/strongroom with strongroom init, see `strongroom --help`'
    assert.equal(
      await toldFor(new OperatorError('no', hint), './bin/strongroom'),
      'strongroom: no\nMake one in /srv/strongroom with ./bin/strongroom init, see `./bin/strongroom --help`.\n',
    )
    const usage = await run(['strat'], { commandName: './bin/strongroom' })
    assert.match(usage.stderr, /\nSee: \.\/bin\/strongroom --help\n$/)
    const help = await run(['start', '--help'], { commandName: './bin/strongroom' })
    assert.match(help.stdout, /\n {2}\.\/bin\/strongroom start --data \/var\/lib\/strongroom /)
  })

  test('damage and a failing disk are no surprises', async () => {
    assert.equal(
      await toldFor(new IntegrityError('the store is damaged: could not commit')),
      'strongroom: the store is damaged: could not commit\n' +
        'It was changed or damaged outside Strongroom: put it back from its backup.\n',
    )
    const cause = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    })
    const room = 'ENOSPC: no space left on device, write\nMake room on the disk, and try again.\n'
    const failed = new DependencyError('the audit log could not be opened', { cause })
    assert.equal(await toldFor(failed), `strongroom: the audit log could not be opened: ${room}`)
    assert.equal(await toldFor(cause), `strongroom: ${room}`)
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
        allowPlainHttp: false,
        seedFile: 'keys.json',
        oidcAllowPrivate: false,
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
      initFolder: async () => ({ ...A_FOLDER, keyfile: undefined }),
    })
    assert.match(stdout, /The passphrase opens everything/)
    assert.doesNotMatch(stdout, /root\.key/)
  })

  test('it names the CA to those who will need it', async () => {
    const initFolder = async () => ({ ...A_FOLDER, caFile: '/data/ca.pem' })
    const named = /CA certificate: \/data\/ca\.pem/
    assert.match((await run(['init', '--tls'], { initFolder })).stdout, named)
    assert.doesNotMatch((await run(['init'], { initFolder })).stdout, named)
    const own = 'init --tls --tls-cert c --tls-key k'.split(' ')
    assert.doesNotMatch((await run(own, { initFolder })).stdout, named)
  })
})

test('version is printed by command and by flag', async () => {
  for (const argv of [['version'], ['--version'], ['-V']]) {
    assert.deepEqual(await run(argv), { exitCode: 0, stdout: '1.2.3\n', stderr: '' })
  }
})
