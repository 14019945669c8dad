"""Tests of the room of Kafka, against librdkafka's mock cluster: a real protocol endpoint on loopback."""
