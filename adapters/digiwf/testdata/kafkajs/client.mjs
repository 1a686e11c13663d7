// A second client of Kafka: asks the integration, and reads what it answers as a
// Spring application does. Usage: node client.mjs BROKER ORDER, where ORDER is JSON:
// {send: [{topic, key, headers, value}], read: [{topic, count}]}. It writes what it
// has read as JSON.
import { Kafka, logLevel, CompressionTypes } from 'kafkajs'

const [broker, order] = [process.argv[2], JSON.parse(process.argv[3])]
const kafka = new Kafka({ clientId: 'second', brokers: [broker], logLevel: logLevel.ERROR })

// Spring (DefaultKafkaHeaderMapper, BinderHeaderMapper): a header is a String when
// spring_json_header_types names it so: raw, or JSON when it begins with a quote. All
// others stay bytes. Of several values the last counts.
function asSpring (headers) {
  const last = value => Array.isArray(value) ? value[value.length - 1] : value
  const types = headers.spring_json_header_types ? JSON.parse(last(headers.spring_json_header_types).toString()) : {}
  const strings = {}
  const bytes = []
  for (const [name, value] of Object.entries(headers)) {
    const text = last(value).toString()
    if (types[name] !== 'java.lang.String') bytes.push(name)
    else strings[name] = text.startsWith('"') ? JSON.parse(text) : text
  }
  return { strings, bytes: bytes.sort() }
}

const producer = kafka.producer({ allowAutoTopicCreation: false })
await producer.connect()
for (const { topic, key, headers, value } of order.send) {
  await producer.send({ topic, acks: -1, compression: CompressionTypes.GZIP, messages: [{ key, headers, value }] })
}
await producer.disconnect()

const found = []
for (const { topic, count } of order.read) {
  const consumer = kafka.consumer({ groupId: 'second-' + topic })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let left = count
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, e => reject(e.payload.error))
    consumer.run({
      eachMessage: async ({ message }) => {
        if (left <= 0) return
        found.push({ topic, key: message.key?.toString() ?? null, value: JSON.parse(message.value.toString()), ...asSpring(message.headers) })
        if (--left === 0) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
}
process.stdout.write(JSON.stringify(found))
process.exit(0)
