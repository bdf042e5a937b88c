// A day of a small client of the loyalty platform's API, with Node's own means: node loyalty_day.mjs ADDRESS KEY TENANT

const [address, key, tenant] = process.argv.slice(2);

async function call(method, path, body) {
  const reply = await fetch(`${address}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  return reply.status === 204 ? null : reply.json();
}

const created = await call("POST", "/journeys", {
  tenantId: tenant,
  name: "Welcome",
  triggerType: "scl.member.created",
  triggerConfig: { conditions: [{ field: "membershipTier", operator: "in", value: ["Gold"] }] },
});
const journey = `/journeys/${created.id}`;
await call("POST", `${journey}/steps`, {
  type: "SEND", name: "Welcome Email", config: { channel: "EMAIL", templateId: "welcome_email" },
});
const wait = await call("POST", `${journey}/steps`, { type: "WAIT", name: "Wait 3 days", config: { duration: "3 days" } });
await call("PATCH", `${journey}/steps/${wait.id}`, { config: { duration: "2 days" } });
await call("POST", `${journey}/activate`);
const enrolled = await call("POST", `${journey}/enrollments`, { customerId: "customer_1" });
const listed = await call("GET", `${journey}/enrollments?status=ACTIVE`);
const detail = await call("GET", `${journey}/enrollments/${enrolled.id}`);
await call("POST", `${journey}/pause`);
await call("POST", `${journey}/resume`);
await call("DELETE", `${journey}/enrollments/customer_1`);
const shown = await call("GET", `${journey}?include=steps`);
await call("POST", `${journey}/archive`);
console.log(JSON.stringify({ created, enrolled, listed, detail, shown }));
