"""The metrics reference is the catalogue; acceptance tests compare it with what processes export."""

from __future__ import annotations

import pytest

from hrx.cli import metrics
from hrx.kit.catalogue import CATALOGUE, find_metric
from hrx.kit.figures import MetricType

pytestmark = pytest.mark.req("R4.1-1")


def test_the_written_page_is_current() -> None:
    assert metrics.PAGE.read_text() == metrics.render(), "run `hrx metrics write`"


def test_every_metric_is_explained_in_both_languages_and_names_its_unit() -> None:
    for metric in CATALOGUE:
        assert metric.says.ja, metric.name
        assert metric.says.en, metric.name
        assert metric.unit, metric.name
        if metric.name.startswith("pg_"):
            continue  # That exporter names its counters without `_total`.
        assert (metric.type is MetricType.COUNTER) == metric.name.endswith("_total"), metric.name
    names = [metric.name for metric in CATALOGUE]
    assert len(names) == len(set(names))


def test_every_label_is_bounded() -> None:
    for metric in CATALOGUE:
        for label in metric.labels:
            assert label.values or label.of, (metric.name, label.name)
            assert 1 <= label.at_most <= 250, (metric.name, label.name)


def test_names_follow_the_rules_of_units() -> None:
    """Ratios and money stand in the name, times are seconds; moments are exported, not ages."""
    ages = {"hrx_queue_oldest_age_seconds", "pg_long_running_transactions_oldest_timestamp_seconds"}
    for metric in CATALOGUE:
        stem = metric.name.removesuffix("_total")
        if metric.unit in {"s", "s since 1970"}:
            assert stem.endswith("_seconds"), metric.name
        if metric.unit == "s since 1970":
            assert stem.endswith(("_timestamp_seconds", "_time_seconds")), metric.name
        if metric.unit == "ratio":
            assert stem.endswith("_ratio"), metric.name
        if metric.unit == "USD":
            assert stem.endswith("_usd"), metric.name
        assert "_age_" not in metric.name or metric.name in ages, metric.name


def test_a_series_of_a_histogram_is_found_by_its_metric() -> None:
    found = find_metric("http_server_request_duration_seconds_bucket")
    assert found is not None
    assert 2.0 in found.buckets
    assert find_metric("pg_stat_activity_count") is not None
    assert find_metric("hrx_nothing_total") is None


def test_every_metric_that_the_brief_of_observation_names_is_declared() -> None:
    """Those of 4.1 under OpenTelemetry and Prometheus names, which rules, triage and drills rely on."""
    missing = [name for name in PROMISED.split() if find_metric(name) is None]
    assert missing == []


PROMISED = """
http_server_request_duration_seconds http_server_active_requests hrx_event_loop_lag_seconds
db_client_operation_duration_seconds db_client_connection_count db_client_connection_pending_requests
db_client_connection_wait_time_seconds hrx_queue_depth hrx_queue_oldest_age_seconds hrx_auth_attempts_total
hrx_app_cache_requests_total hrx_cache_operation_duration_seconds messaging_process_duration_seconds
hrx_web_vital_lcp_seconds hrx_web_vital_inp_seconds hrx_web_vital_fid_seconds hrx_web_vital_fcp_seconds
hrx_web_vital_ttfb_seconds hrx_web_vital_cls hrx_web_page_views_total hrx_web_unique_users
hrx_web_errors_total gen_ai_client_operation_duration_seconds gen_ai_client_token_usage
gen_ai_client_operation_time_to_first_chunk_seconds hrx_gen_ai_cost_usd_total hrx_model_accuracy_ratio
hrx_model_drift_psi hrx_rag_retrievals_total hrx_rag_relevance hrx_db_cpu_utilization_ratio
hrx_db_memory_bytes hrx_db_disk_operations_total hrx_storage_available_bytes hrx_storage_capacity_bytes
hrx_backup_runs_total hrx_backup_last_success_timestamp_seconds hrx_backup_last_verified_timestamp_seconds
hrx_rpo_seconds hrx_blocked_requests_total hrx_suspicious_sources hrx_detections_total
hrx_notification_deliveries_total hrx_notification_latency_seconds hrx_heartbeat_last_timestamp_seconds
hrx_probe_success hrx_probe_duration_seconds hrx_probe_tls_not_after_timestamp_seconds
pg_stat_activity_count pg_settings_max_connections pg_database_size_bytes redis_memory_used_bytes
haproxy_backend_active_servers
"""
