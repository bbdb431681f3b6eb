/** A certificate for this machine by its own word, that nobody else trusts; valid for a hundred years. */
import { setDefaultCACertificates } from 'node:tls'

export const localhost = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBrTCCAVSgAwIBAgIUfUCZgIdsQLlcc1ePJciX1MRzfbIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE3Mzg0OFoYDzIxMjYxMDMw
MTczODQ4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQYQcSv4Nhu3xujWx9UMQ9jc8zQhjAwWq4rVZDX1bvbTKVRPpC823m7
Lm3qOoE7dwp/hvpAAlZGgu0qU6YLM21Ho4GBMH8wHQYDVR0OBBYEFE3EIhe0skhs
4BOLPZPMumrGhWhIMB8GA1UdIwQYMBaAFE3EIhe0skhs4BOLPZPMumrGhWhIMA8G
A1UdEwEB/wQFMAMBAf8wLAYDVR0RBCUwI4IJbG9jYWxob3N0hwR/AAABhxAAAAAA
AAAAAAAAAAAAAAABMAoGCCqGSM49BAMCA0cAMEQCIA/gYVDpTFypkvF4qLzsJnBR
Xz2gVbf9clEOFtkgin3hAiBuvoNvKrcpylRHd7/++ALHkUTApzrEhBVI68btsSZT
6A==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghd6AyzQztHGhephu
Dmg0yadnwCCb2FUDlQjwN1uiFFChRANCAAQYQcSv4Nhu3xujWx9UMQ9jc8zQhjAw
Wq4rVZDX1bvbTKVRPpC823m7Lm3qOoE7dwp/hvpAAlZGgu0qU6YLM21H
-----END PRIVATE KEY-----
`,
}

/** From now on, in this process, nobody else is trusted. */
export function trustOnly(...certificates: string[]): void {
  setDefaultCACertificates(certificates)
}
