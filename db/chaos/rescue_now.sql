-- Looks for leases that ran out, as any client may.
select batchgen.rescue_expired()
