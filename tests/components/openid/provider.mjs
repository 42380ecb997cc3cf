// A real OpenID provider on loopback; its users and its client stand in the first argument, as JSON.
import Provider from "oidc-provider";

const { port, client, secret, redirect, users } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
    clients: [{ client_id: client, client_secret: secret, redirect_uris: [redirect] }],
    claims: { openid: ["sub"], profile: ["name"], groups: ["groups"] },
    scopes: ["openid", "profile", "groups"],
    cookies: { keys: ["of this test"] },
    pkce: { required: () => true },
    ttl: { Interaction: 3600, Session: 3600, Grant: 3600, AccessToken: 600, IdToken: 600 },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => users[id] && { accountId: id, claims: () => ({ sub: id, ...users[id] }) },
    // no consent is asked for: the client is the company's own
    async loadExistingGrant(ctx) {
        const { session, client: of, params } = ctx.oidc;
        const grant = new ctx.oidc.provider.Grant({ clientId: of.clientId, accountId: session.accountId });
        grant.addOIDCScope(params.scope);
        await grant.save();
        return grant;
    },
});

provider.listen(port, "127.0.0.1", () => console.log("ready"));
