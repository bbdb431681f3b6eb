/** One operation of the document: what its route's schema says, its caller, and the table. */
import { type Caller, isForUsers } from '../callers/callers.ts'
import { bodyOf, type FaultCode, statusOf } from '../http/faults.ts'
import type { RouteDoc } from './route-doc.ts'
import { ref, type Schema } from './schemas.ts'

export interface Operation {
  parameters?: Schema[]
  requestBody?: { content: Record<string, Schema>; required?: boolean }
  [field: string]: unknown
}

type Security = Record<string, string[]>[]
const operator: Security = [{ operatorKey: [] }, { operatorSession: [] }]

const securityOf: Record<Caller, Security> = {
  anybody: [],
  user: [{ userToken: [] }, { serverKey: [] }],
  operator,
  'user or server send or operator': [{ userToken: [] }, { serverKey: [] }, ...operator],
  'server send or operator': [{ serverKey: [] }, ...operator],
  'server read or operator': [{ serverKey: [] }, ...operator],
  sandbox: [{}, ...operator],
  'operator or this machine': [{}, ...operator],
  supabase: [{ supabaseSecret: [] }, { supabaseBearer: [] }],
}

export const securitySchemes = {
  userToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: "A user's own token." },
  serverKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'blf_…',
    description: 'A key of another backend. On routes for users it calls for the user in the header Belfry-User.',
  },
  operatorKey: { type: 'http', scheme: 'bearer', description: 'The operator key.' },
  operatorSession: { type: 'apiKey', in: 'cookie', name: '__Host-belfry_session', description: 'From the console.' },
  supabaseSecret: { type: 'apiKey', in: 'header', name: 'X-Webhook-Secret', description: 'SUPABASE_WEBHOOK_SECRET.' },
  supabaseBearer: { type: 'http', scheme: 'bearer', description: 'The same secret, as a bearer token.' },
}

const always: FaultCode[] = ['internal', 'database_away']
const ofBodies: FaultCode[] = ['malformed', 'bad_json', 'too_large', 'media_type']
const ofCallers: FaultCode[] = ['unauthenticated', 'token_invalid', 'forbidden', 'too_many_requests']
const ofUsers: FaultCode[] = ['token_expired', 'keys_away', 'acting_for', 'user_erased']
/** These answer whatever they are asked. */
const quiet = new Set(['GET /', 'GET /healthz', 'GET /openapi.json', 'GET /console/session'])

export function describeOperation(route: string, caller: Caller, doc: RouteDoc, found: Operation): Operation {
  const ofApps = isForUsers(caller)
  const codes: FaultCode[] = [
    ...(found.requestBody ? ofBodies : found.parameters ? (['malformed'] as const) : []),
    ...(caller === 'anybody' ? [] : ofCallers),
    ...(ofApps ? ofUsers : []),
    ...(doc.faults ?? []),
    ...(quiet.has(route) ? [] : always),
  ]
  const headers = [...(ofApps ? actingHeaders : []), ...(doc.once ? [onceHeader] : [])]
  return {
    operationId: nameOf(route),
    summary: doc.summary,
    ...(doc.description !== undefined && { description: doc.description }),
    tags: [doc.tag],
    security: securityOf[caller],
    ...((found.parameters || headers.length > 0) && { parameters: [...(found.parameters ?? []), ...headers] }),
    ...(found.requestBody && { requestBody: bodyWith(found.requestBody, doc) }),
    responses: { [doc.status ?? 200]: answerOf(doc), ...alsoOf(doc), ...answersOf(codes) },
  }
}

/** `POST /api/keys/:id/rotate` is post_api_keys_id_rotate. */
function nameOf(route: string): string {
  return route.toLowerCase().replaceAll(/\W+/g, '_').replaceAll(/^_|_$/g, '')
}

const header = (name: string, description: string) => ({
  in: 'header',
  name,
  required: false,
  description,
  schema: { type: 'string' },
})
const actingHeaders = [
  header('Belfry-User', 'With a server key: for whom it calls, percent-encoded.'),
  header('Belfry-User-Name', 'With a server key: what that user is called, percent-encoded.'),
]
const onceHeader = header('Idempotency-Key', 'Sent again within 48 hours, it is done once and answered twice.')

function bodyWith(body: NonNullable<Operation['requestBody']>, doc: RouteDoc): NonNullable<Operation['requestBody']> {
  const [first = {}] = Object.values(body.content)
  const content = { ...first, ...(doc.request !== undefined && { example: doc.request }) }
  const types = ['application/json', ...(doc.alsoTakes ?? [])]
  return { ...body, content: Object.fromEntries(types.map((type) => [type, content])) }
}

function alsoOf({ also }: RouteDoc): Record<string, Schema> {
  return also === undefined ? {} : { [also.status]: answerOf(also) }
}

function answerOf({
  answer,
  example,
  contentType = 'application/json',
}: Pick<RouteDoc, 'answer' | 'example' | 'contentType'>): Schema {
  return {
    description: 'Done',
    content: { [contentType]: { schema: answer, ...(example !== undefined && { example }) } },
  }
}

/** One answer a status, with every fault that has it as an example. Those with 200 are told in the description. */
function answersOf(codes: FaultCode[]): Record<string, Schema> {
  const byStatus = Map.groupBy(new Set(codes), statusOf)
  return Object.fromEntries(
    [...byStatus].map(([status, these]) => [
      String(status),
      {
        description: these.map((code) => `\`${code}\``).join(', '),
        content: {
          'application/json': {
            schema: ref('Error'),
            examples: Object.fromEntries(these.map((code) => [code, { value: bodyOf(code) }])),
          },
        },
      },
    ]),
  )
}
