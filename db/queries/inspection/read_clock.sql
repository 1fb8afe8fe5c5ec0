-- The instant by the server's clock. Returns one timestamptz.
select clock_timestamp()
