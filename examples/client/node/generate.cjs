// Streams an ad: node generate.cjs [BRAND] [PRODUCT] [FORMAT], with ADWRIGHT_GATEWAY_TARGET and ADWRIGHT_API_KEY.
"use strict";

const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const protos = path.join(__dirname, "../../../protos");
const definition = loader.loadSync("adwright/gateway/v1/ad_service.proto", {
  includeDirs: [protos, path.join(protos, "third_party")],
  enums: String,
  oneofs: true,
});
const { AdService } = grpc.loadPackageDefinition(definition).adwright.gateway.v1;

const [brand = "nordlys", product = "aurora-trail-2", format = "push"] = process.argv.slice(2);
const client = new AdService(
  process.env.ADWRIGHT_GATEWAY_TARGET ?? "127.0.0.1:50051",
  grpc.credentials.createInsecure(),
);
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${process.env.ADWRIGHT_API_KEY}`);

const texts = new Map();
const call = client.generateAd({ brand, products: [product], format }, metadata, { deadline: Date.now() + 120_000 });
call.on("data", (event) => {
  if (event.delta) {
    texts.set(event.delta.path, (texts.get(event.delta.path) ?? "") + event.delta.text);
    process.stdout.write(event.delta.text);
  } else if (event.switched?.resume === "RESUME_RESTARTED") {
    texts.clear();
    process.stdout.write(`\n(${event.switched.reason}: from the beginning)\n`);
  } else if (event.completed) {
    const fields = Object.fromEntries(event.completed.ads[0].fields.map((field) => [field.path, field.text]));
    process.stdout.write(`\n${JSON.stringify({ texts: Object.fromEntries(texts), fields })}\n`);
  }
});
call.on("error", (error) => {
  console.error(`${grpc.status[error.code]}: ${error.details}`);
  process.exitCode = 1;
});
