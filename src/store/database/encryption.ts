/** DATABASE_URL asks for a connection that cannot be had: no waiting helps, and a person has to change something. */

export class EncryptionFault extends Error {
  constructor(error: unknown, hint: string) {
    super(`The connection to the database cannot be encrypted as asked (${(error as Error).message}). ${hint}`)
  }
}

const UNTRUSTED = /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_|HOSTNAME_MISMATCH|ERR_(OSSL|SSL|TLS)_)/

/** What a person can do about it; undefined: it is something else. */
export function hintOfEncryption(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code = '', syscall } = error as NodeJS.ErrnoException
  // A certificate is the only file that is opened; sockets are connected to, and read from.
  if (syscall === 'open' || code === 'EISDIR')
    return 'Check the files that sslrootcert, sslcert and sslkey in DATABASE_URL name.'
  if (UNTRUSTED.test(code)) return 'Check sslmode and sslrootcert in DATABASE_URL.'
  if (/does not support SSL/.test(error.message)) return 'Let it encrypt, or take sslmode out of DATABASE_URL.'
  return undefined
}
