-- How long statements of this session wait for a lock that another session holds. @limit text with a unit. Returns it.
select set_config('lock_timeout', @limit, false)
