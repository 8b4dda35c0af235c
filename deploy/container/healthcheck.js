// Asks the node of this container whether it is ready, for HEALTHCHECK: exit code 0 or 1, and a line that says why.
// It reads the port and the address where the image keeps them, in STRONGROOM_PORT and STRONGROOM_HOST.
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'

const TIMEOUT_MS = 2000
const { STRONGROOM_PORT = '7600', STRONGROOM_HOST = '127.0.0.1', STRONGROOM_TLS } = process.env
const everywhere = { '0.0.0.0': '127.0.0.1', '::': '::1' }
const hostname = everywhere[STRONGROOM_HOST] ?? STRONGROOM_HOST

/** @returns {Promise<string>} what the node answers; rejects where it is not ready or another scheme is spoken */
const ask = (get) =>
  new Promise((resolve, reject) => {
    const request = get(
      {
        hostname,
        port: STRONGROOM_PORT,
        path: '/-/ready',
        agent: false,
        // Nothing secret is asked or told, and the certificate may name the service alone.
        rejectUnauthorized: false,
      },
      (response) => {
        response.setEncoding('utf8').on('error', reject)
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => {
          const line = `${response.statusCode} ${text.trim()}`
          if (response.statusCode === 200) resolve(line)
          else reject(new Error(line))
        })
      },
    )
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error('no answer')))
    request.on('error', reject)
  })

// The scheme that the image is set to first: the other one costs the node a connection that it cannot read.
const likely = STRONGROOM_TLS === 'true' ? [getHttps, getHttp] : [getHttp, getHttps]
const reasons = []
process.exitCode = 1
for (const get of likely) {
  try {
    console.log(await ask(get))
    process.exitCode = 0
    break
  } catch (error) {
    reasons.push(error.message)
  }
}
if (process.exitCode !== 0) console.log(reasons.join('; '))
