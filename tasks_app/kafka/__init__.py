"""The room of Kafka: a topic whose messages become jobs. Its client library, confluent-kafka, is an extra."""
