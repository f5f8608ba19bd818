// A real OpenID provider (node-oidc-provider, certified) for the tests; its people are SYNTHETIC.
// Configuration as one JSON line on standard input: {package, port, jwks, client, people, endSession}.
// Answers with one JSON line {issuer}; ends when its standard input does, so it never outlives the test run.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const lines = createInterface({ input: process.stdin })
lines.on('close', () => process.exit(0))
lines.once('line', async (line) => {
  const { package: manifest, port, jwks, client, people, endSession } = JSON.parse(line)
  const { Provider } = await import(pathToFileURL(createRequire(manifest).resolve('oidc-provider')))
  const server = createServer()
  server.listen(port ?? 0, '127.0.0.1', () => {
    const issuer = `http://127.0.0.1:${server.address().port}`
    const provider = new Provider(issuer, {
      clients: [client],
      jwks,
      cookies: { keys: ['SYNTHETIC, of this test'] },
      claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups', 'realm_access'], email: ['email', 'email_verified'] },
      features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: endSession ?? true } },
      // Whoever the log-in form names exists; what is known of some of them comes from the test.
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    })
    server.on('request', provider.callback())
    console.log(JSON.stringify({ issuer }))
  })
})
