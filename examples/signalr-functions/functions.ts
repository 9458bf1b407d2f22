import {
  createNegotiateHandler,
  SignalRServiceClient,
  toFunctionsHandler,
  type Claims,
  type FunctionsRequestLike,
  type FunctionsResponse,
} from "@holdfast/signalr/negotiate";

/** What a function app registers. */
export interface Functions {
  /** `app.http("negotiate", { methods: ["POST"], authLevel: "anonymous", handler: negotiate })` */
  readonly negotiate: (request: FunctionsRequestLike) => Promise<FunctionsResponse>;
  /** What any other function does, whatever triggers it: `app.timer("announce", { schedule, handler: () => announce("…") })` */
  readonly announce: (text: string) => Promise<void>;
}

/** Made once for each instance of the app, outside of the functions: they share its connections and its token. */
export function functions(connectionString: string): Functions {
  const service = { connectionString, hub: "news" };
  const negotiate = createNegotiateHandler({
    ...service,
    userId: (request) => {
      // App Service Authentication has checked who it is, and says so in headers that nobody else can set.
      const user = request.headers.get("x-ms-client-principal-name");
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- the answer to the client
      if (user === null) throw new Response("Sign in first.", { status: 401 });
      return user;
    },
    claims: claimsOf,
    // A user in fifty groups has a token that the service refuses: what clients need goes in, and nothing else.
    trimClaims: { allow: ["name", "roles"] },
  });
  const client = new SignalRServiceClient(service);
  return {
    negotiate: toFunctionsHandler(negotiate),
    announce: (text) => client.sendToAll("Announced", [text]),
  };
}

/** The claims that App Service Authentication passes on. */
function claimsOf({ headers }: Request): Claims {
  const principal = headers.get("x-ms-client-principal");
  if (principal === null) return {};
  const { claims } = JSON.parse(atob(principal)) as { claims: { typ: string; val: string }[] };
  const values: Record<string, string[]> = {};
  for (const { typ, val } of claims) (values[typ] ??= []).push(val);
  return values;
}
