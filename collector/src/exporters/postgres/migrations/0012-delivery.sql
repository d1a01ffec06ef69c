-- Up Migration

-- not_before stays what whoever wrote the row said; when a failed attempt is repeated is kept beside it.
ALTER TABLE spanmeter.notifications
  ADD COLUMN next_attempt_at timestamptz,
  ADD COLUMN first_attempted_at timestamptz;
COMMENT ON COLUMN spanmeter.notifications.claimed_until IS
  'Until then one collector is sending it; after it, whoever comes first.';
COMMENT ON COLUMN spanmeter.notifications.not_before IS 'Later than created_at: held back, since one went out lately.';

-- The order in which a channel's are sent: summaries come last, so that thousands of them hold up no alert.
CREATE INDEX notifications_queue ON spanmeter.notifications (channel, (kind = 'summary'), not_before, id)
WHERE outcome = 'pending';
-- One summary for a tenant, channel and day, whichever collector writes it and however often.
CREATE UNIQUE INDEX notifications_summary_once ON spanmeter.notifications (tenant_id, channel, name)
WHERE kind = 'summary';
CREATE INDEX notifications_created ON spanmeter.notifications (created_at);

CREATE FUNCTION spanmeter.notify_notifications() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('spanmeter_notifications', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER notifications_notify AFTER INSERT ON spanmeter.notifications
FOR EACH STATEMENT EXECUTE FUNCTION spanmeter.notify_notifications();

-- Down Migration

DROP TRIGGER notifications_notify ON spanmeter.notifications;
DROP FUNCTION spanmeter.notify_notifications();
DROP INDEX spanmeter.notifications_created;
DROP INDEX spanmeter.notifications_summary_once;
DROP INDEX spanmeter.notifications_queue;
ALTER TABLE spanmeter.notifications DROP COLUMN next_attempt_at, DROP COLUMN first_attempted_at;
