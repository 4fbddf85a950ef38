"""Brokers that refuse: passwords, certificates, sizes, topics, a second daemon; each with its reason."""

import logging
from dataclasses import replace

import pytest

from daemon.mqtt import BrokerError, MqttSettings, probe
from tests.fakes import pictures
from tests.servers import (
    listening,
    make_certificates,
    make_password_file,
    needs_mosquitto,
    needs_openssl,
    running_mosquitto,
    wait_until,
)
from tests.stations import Station, connected, event, failures, running_station, seqs

pytestmark = pytest.mark.e2e


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_is_a_failure_with_its_reason_in_the_log(tmp_path, caplog, protocol):
    passwords = make_password_file(tmp_path, "daemon", "right")
    with running_mosquitto(tmp_path / "m", f"password_file {passwords}") as broker:
        with running_station(
            tmp_path, broker.port, username="daemon", password="wrong", protocol=protocol
        ) as station:
            wait_until(lambda: "credentials" in failures(station))
            assert not station.publisher.health.connected
            assert "Not authorized" in station.publisher.health.reason
            wait_until(lambda: failures(station)["credentials"] >= 3)
        assert sum("refuses the connection" in record.message for record in caplog.records) == 1
        with running_station(tmp_path, broker.port, username="daemon", password="right") as station:
            connected(station)


@needs_mosquitto
@needs_openssl
def test_tls_carries_events_and_refuses_a_certificate_of_an_unknown_authority(tmp_path):
    keys = make_certificates(tmp_path)
    tls = (f"cafile {keys}/ca.pem", f"certfile {keys}/server.pem", f"keyfile {keys}/server.key")
    with running_mosquitto(tmp_path / "m", "allow_anonymous true", *tls) as broker:
        secure = {"host": "localhost", "tls": True, "ca_file": keys / "ca.pem"}
        with running_station(tmp_path, broker.port, **secure) as station:
            station.send(*range(1, 101))
            wait_until(lambda: station.outbox.last_seq == 100 and station.outbox.pending_count == 0)
        stranger = MqttSettings(host="localhost", port=broker.port, tls=True)
        with pytest.raises(BrokerError, match="certificate is not trusted") as caught:
            probe(stranger)
        assert caught.value.reason == "tls"


@needs_mosquitto
@needs_openssl
def test_a_broker_that_wants_a_client_certificate_gets_it(tmp_path):
    keys = make_certificates(tmp_path)
    tls = (f"cafile {keys}/ca.pem", f"certfile {keys}/server.pem", f"keyfile {keys}/server.key")
    with running_mosquitto(
        tmp_path / "m", *tls, "require_certificate true", "allow_anonymous true"
    ) as broker:
        stranger = MqttSettings(host="localhost", port=broker.port, tls=True, ca_file=keys / "ca.pem")
        with pytest.raises(BrokerError):
            probe(stranger)
        known = replace(stranger, cert_file=keys / "client.pem", key_file=keys / "client.key")
        assert probe(known) == "MQTT 5"


@needs_mosquitto
def test_a_snapshot_that_is_too_large_for_the_broker_costs_no_connection(tmp_path, caplog):
    with (
        running_mosquitto(tmp_path / "m", "allow_anonymous true", "max_packet_size 20000") as broker,
        listening(broker.port) as subscriber,
        running_station(tmp_path, broker.port) as station,
    ):
        connected(station)
        station.announcer.on_snapshot(event(1), pictures(b"x" * 20_001))
        station.announcer.on_snapshot(event(1), pictures(b"y" * 20_001))
        station.send(1)
        wait_until(lambda: seqs(subscriber) == [1])
        assert subscriber.newest("videobert/porch/snapshot") is None
        assert failures(station) == {}
        assert caplog.text.count("what should stand under videobert/porch/snapshot") == 1


@needs_mosquitto
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_daemons_with_one_client_id_do_not_fight(broker, tmp_path, caplog, protocol):
    options = {"client_id": "twin", "protocol": protocol}
    with running_station(tmp_path / "a", broker.port, **options) as first:
        connected(first)
        with running_station(tmp_path / "b", broker.port, **options) as second:

            def given_way() -> list[Station]:
                return [one for one in (first, second) if one.publisher.health.retry_s >= 60]

            [loser] = wait_until(given_way, what="one daemon to give way")
            winner = second if loser is first else first
            wait_until(lambda: winner.publisher.health.connected)
            lines = [record for record in caplog.records if "another client is connected" in record.message]
            assert [(line.levelno, "'twin'" in line.message) for line in lines] == [(logging.ERROR, True)]


@needs_mosquitto
def test_an_event_that_the_broker_refuses_stays_in_the_outbox(tmp_path, caplog):
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite videobert/status\ntopic readwrite videobert/porch/status\n")
    with (
        running_mosquitto(tmp_path / "m", "allow_anonymous true", f"acl_file {acl}") as broker,
        running_station(tmp_path, broker.port) as station,
    ):
        station.send(1, 2)
        wait_until(lambda: any("refuses events" in record.message for record in caplog.records))
        assert station.outbox.pending_count == 2
        station.outbox.acknowledge([1, 2])  # or the farewell would wait for them


def test_a_port_where_nobody_listens_is_unreachable():
    with pytest.raises(BrokerError, match="cannot be reached") as caught:
        probe(MqttSettings(port=1))
    assert caught.value.reason == "unreachable"
