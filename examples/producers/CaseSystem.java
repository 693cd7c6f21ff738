// A small case system in Java: CloudEvents in the binary encoding, then control totals of the date.
//
// Java 17 or newer; kafka-clients and jackson-databind with what they need, for example in a directory lib:
//   java -cp 'lib/*' CaseSystem.java
//
// Environment: KAFKA (brokers), EVENTS_TOPIC, TOTALS_TOPIC, DAY (a date that is over; default yesterday), REVISION (of
// the totals; send a higher one whenever you count again). Sent twice, the events count once: an event keeps its id.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class CaseSystem {
    static final String SOURCE = "urn:regulator:case-system"; // must be declared under `sources` of the contract
    static final List<String> TYPES = List.of(
        "CaseOpened", "EvidenceReceived", "CaseAssigned", "CaseEscalated", "BreachClockStarted", "BreachClockPaused",
        "DecisionIssued", "CaseClosed", "CaseCorrected");
    static final ObjectMapper JSON = new ObjectMapper();

    record Event(String id, String type, String caseId, Instant occurredAt, long sequence, Map<String, ?> data) {}

    public static void main(String[] arguments) throws Exception {
        LocalDate day = LocalDate.parse(setting("DAY", LocalDate.now(ZoneOffset.UTC).minusDays(1).toString()));
        List<Event> events = work(day);
        Map<String, Object> config = Map.of(
            "bootstrap.servers", setting("KAFKA", "localhost:9092"), "acks", "all", "enable.idempotence", true);
        try (Producer<String, byte[]> producer =
                new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer())) {
            send(producer, events);
            count(producer, day, events);
        }
        System.out.println(events.size() + " events and " + TYPES.size() + " control totals of " + day + " sent");
    }

    /** A day in the life of one case. Instants have nine decimals, as Instant.now() may give them. */
    static List<Event> work(LocalDate day) {
        Instant morning = day.atTime(9, 0, 0, 123_456_789).toInstant(ZoneOffset.UTC);
        return List.of(
            new Event("java-1", "CaseOpened", "java-case-1", morning, 1,
                Map.of("caseType", "PERMIT", "jurisdiction", "NL", "priority", "HIGH")),
            new Event("java-2", "BreachClockStarted", "java-case-1", morning, 2,
                Map.of("deadlineAt", morning.plusSeconds(7 * 86_400).toString())),
            new Event("java-3", "EvidenceReceived", "java-case-1", morning.plusSeconds(3600), 3,
                Map.of("evidenceId", "letter-1", "kind", "letter")),
            new Event("java-4", "CaseClosed", "java-case-1", morning.plusSeconds(7200), 4,
                Map.of("reason", "permit granted")));
    }

    /** Send events and wait until Kafka has every one of them: only then may they be counted. */
    static void send(Producer<String, byte[]> producer, List<Event> events) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (Event event : events) {
            // The key is the case: one case, one partition, one order.
            var record = new ProducerRecord<>(
                setting("EVENTS_TOPIC", "regulatory.case.events.v2"), event.caseId(), JSON.writeValueAsBytes(event.data()));
            Map<String, String> attributes = new LinkedHashMap<>();
            attributes.put("ce_specversion", "1.0");
            attributes.put("ce_id", event.id());
            attributes.put("ce_type", event.type());
            attributes.put("ce_source", SOURCE);
            attributes.put("ce_subject", event.caseId());
            attributes.put("ce_time", event.occurredAt().toString());
            attributes.put("ce_emittedat", Instant.now().toString());
            attributes.put("ce_sequence", Long.toString(event.sequence())); // orders events of the same instant
            attributes.put("ce_dataschema", "urn:casegold:event:" + event.type() + ":1.0");
            attributes.put("content-type", "application/json");
            attributes.forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
            sent.add(producer.send(record));
        }
        for (Future<RecordMetadata> each : sent) {
            each.get();
        }
    }

    /** A number for every type, zeros included. */
    static void count(Producer<String, byte[]> producer, LocalDate day, List<Event> events) throws Exception {
        String asOf = Instant.now().toString();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (String type : TYPES) {
            Map<String, Object> total = new LinkedHashMap<>();
            total.put("source", SOURCE);
            total.put("businessDate", day.toString());
            total.put("eventType", type);
            total.put("count", events.stream().filter(event -> event.type().equals(type)).count());
            total.put("asOf", asOf);
            total.put("revision", Integer.parseInt(setting("REVISION", "1")));
            sent.add(producer.send(new ProducerRecord<>(
                setting("TOTALS_TOPIC", "regulatory.case.event-counts.v1"), SOURCE, JSON.writeValueAsBytes(total))));
        }
        for (Future<RecordMetadata> each : sent) {
            each.get();
        }
    }

    static String setting(String name, String otherwise) {
        return System.getenv().getOrDefault(name, otherwise);
    }
}
