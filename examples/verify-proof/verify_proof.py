"""Checks a proof that `strongroom audit prove` wrote, with nothing of Strongroom's and Python's standard library:

    python3 verify_proof.py proof.json audit.pem

What a proof is made of: docs/formats/event-proof.md.
"""

import base64
import hashlib
import json
import re
import sys


def fail(reason):
    sys.exit(f"Not proven: {reason}.")


def sha256(data):
    return hashlib.sha256(data).digest()


def integers(der):
    """The integers of a DER structure, in order; sequences and bit strings are looked into."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        value, at = der[at : at + length], at + length
        if tag == 0x02:
            yield int.from_bytes(value, "big")
        elif tag == 0x30:
            yield from integers(value)
        elif tag == 0x03:
            yield from integers(value[1:])


def is_signed(text, signature, pem_body):
    """RSASSA-PKCS1-v1_5 with SHA-256. Source: RFC 8017, section 8.2.2."""
    modulus, exponent = integers(base64.b64decode(pem_body))
    size = (modulus.bit_length() + 7) // 8
    info = bytes.fromhex("3031300d060960864801650304020105000420") + sha256(text)
    expected = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
    number = int.from_bytes(signature, "big")
    if len(signature) != size or number >= modulus:
        return False
    return pow(number, exponent, modulus).to_bytes(size, "big") == expected


if len(sys.argv) != 3:
    fail("usage: python3 verify_proof.py proof.json audit.pem")
with open(sys.argv[1], encoding="utf-8") as file:
    proof = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    keys = re.findall(r"-----BEGIN (?:RSA )?PUBLIC KEY-----([^-]+)-----END", file.read())
if proof["format"] != "strongroom-event-proof" or proof["version"] != 1:
    fail("this is no proof")

# 1. The digest was signed with a key that is trusted: one of the file.
digest = json.loads(proof["digest"])
signed = "\n".join(
    [
        digest["digestEndTime"],
        f"{digest['digestS3Bucket']}/{digest['digestS3Object']}",
        sha256(proof["digest"].encode()).hex(),
        digest["previousDigestSignature"] or "null",
    ]
)
if not re.fullmatch(r"(?:[0-9a-f]{2})+", proof["signature"]):
    fail("the signature is not hex")
signature = bytes.fromhex(proof["signature"])
if not any(is_signed(signed.encode(), signature, key) for key in keys):
    fail("the digest is not signed with a key of that file")

# 2. The digest names the log file, how many records it has, and the root of the tree over them.
log_file = next((f for f in digest["logFiles"] if f["s3Object"] == proof["logFile"]), None)
if log_file is None:
    fail("the digest does not name the log file")

# 3. The record is a leaf of that tree, at its index. Source: RFC 9162, section 2.1.3.2.
index, last = proof["index"], log_file["recordCount"] - 1
if not isinstance(index, int) or not 0 <= index <= last:
    fail("there is no such record")
node = sha256(b"\x00" + proof["record"].encode())
for text in proof["path"]:
    if last == 0 or not re.fullmatch(r"[0-9a-f]{64}", text):
        fail("the path is too long, or no path")
    beside = bytes.fromhex(text)
    if index % 2 == 1 or index == last:
        node = sha256(b"\x01" + beside + node)
        while index % 2 == 0 and index != 0:
            index, last = index // 2, last // 2
    else:
        node = sha256(b"\x01" + node + beside)
    index, last = index // 2, last // 2
if last != 0 or node.hex() != log_file["merkleRoot"]:
    fail("the record is not in the log file")

# 4. The record is that of the event that is claimed, and of the account whose digest it is.
record = json.loads(proof["record"])
if record["eventID"] != proof["eventId"]:
    fail("the record is that of another event")
if record["recipientAccountId"] != digest["awsAccountId"]:
    fail("the record is that of another account")

print(f"Proven: event {proof['eventId']} of account {digest['awsAccountId']}.")
print(f"It is record {proof['index'] + 1} of {log_file['recordCount']} in {proof['logFile']}.")
print(f"Signed with {digest['digestPublicKeyFingerprint']}, for the hour that ended {digest['digestEndTime']}.")
print(proof["record"])
