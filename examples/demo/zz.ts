import { ServiceBusClient as Bare } from "@azure/service-bus";
import { serviceBus,serverBusy } from "@holdfast/simulators/service-bus";
const bus = await serviceBus({ queues: ["orders"], seed: 1 });
bus.faults.probability(0.3, "send", serverBusy({ waitSeconds: 2 }));
const c = new Bare(bus.connectionString, {retryOptions:{maxRetries:6, retryDelayInMs: 300}});
const s = c.createSender("orders"); 
await Promise.all(Array.from({length:100},(_,i)=>s.sendMessages({body:i, messageId:String(i)})));
const by=new Map<string,string[]>();
for (const a of bus.journal.attempts("orders")) { const k=String(a.messageIds[0]); by.set(k,[...(by.get(k)??[]), `${a.outcome}@${a.at.toFixed(1)}#${a.deliveryId}l${a.link}`]); }
for (const [k,v] of by) if (v.filter(x=>x.startsWith("acc")).length!==1 || v.length>3) console.log(k,v.join(" "));
await c.close();
await bus.close();
