// Checks a proof that `strongroom audit prove` wrote, with nothing of Strongroom's:
//
//   node verify-proof.mjs proof.json audit.pem
//
// What a proof is made of: docs/formats/event-proof.md.

import { createHash, createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'

const [proofFile, keyFile] = process.argv.slice(2)
if (keyFile === undefined) fail('usage: node verify-proof.mjs proof.json audit.pem')

const proof = JSON.parse(readFileSync(proofFile, 'utf8'))
if (proof.format !== 'strongroom-event-proof' || proof.version !== 1) fail('this is no proof')

// 1. The digest was signed with a key that is trusted: one of the file.
const digest = JSON.parse(proof.digest)
const signed = [
  digest.digestEndTime,
  `${digest.digestS3Bucket}/${digest.digestS3Object}`,
  sha256(Buffer.from(proof.digest)).toString('hex'),
  digest.previousDigestSignature ?? 'null',
].join('\n')
const signature = /^[0-9a-f]+$/.test(proof.signature) ? Buffer.from(proof.signature, 'hex') : null
const keys = readFileSync(keyFile, 'utf8').match(/-----BEGIN [^]+?-----END [^-]+-----/g) ?? []
const isSigned = keys.some(
  (pem) => signature && verify('sha256', Buffer.from(signed), createPublicKey(pem), signature),
)
if (!isSigned) fail('the digest is not signed with a key of that file')

// 2. The digest names the log file, how many records it has, and the root of the tree over them.
const logFile = digest.logFiles.find(({ s3Object }) => s3Object === proof.logFile)
if (logFile === undefined) fail('the digest does not name the log file')

// 3. The record is a leaf of that tree, at its index. Source: RFC 9162, section 2.1.3.2.
let index = proof.index
let last = logFile.recordCount - 1
if (!Number.isInteger(index) || index < 0 || index > last) fail('there is no such record')
let node = sha256(Buffer.of(0), Buffer.from(proof.record))
for (const hex of proof.path) {
  if (last === 0 || !/^[0-9a-f]{64}$/.test(hex)) fail('the path is too long, or no path')
  const beside = Buffer.from(hex, 'hex')
  if (index % 2 === 1 || index === last) {
    node = sha256(Buffer.of(1), beside, node)
    while (index % 2 === 0 && index !== 0) [index, last] = [index / 2, Math.floor(last / 2)]
  } else {
    node = sha256(Buffer.of(1), node, beside)
  }
  ;[index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
}
if (last !== 0 || node.toString('hex') !== logFile.merkleRoot)
  fail('the record is not in the log file')

// 4. The record is that of the event that is claimed, and of the account whose digest it is.
const record = JSON.parse(proof.record)
if (record.eventID !== proof.eventId) fail('the record is that of another event')
if (record.recipientAccountId !== digest.awsAccountId) fail('the record is that of another account')

console.log(`Proven: event ${proof.eventId} of account ${digest.awsAccountId}.`)
console.log(`It is record ${proof.index + 1} of ${logFile.recordCount} in ${proof.logFile}.`)
console.log(
  `Signed with ${digest.digestPublicKeyFingerprint}, for the hour that ended ${digest.digestEndTime}.`,
)
console.log(proof.record)

function sha256(...parts) {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

function fail(reason) {
  console.error(`Not proven: ${reason}.`)
  process.exit(1)
}
