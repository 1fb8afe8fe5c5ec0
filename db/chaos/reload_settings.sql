-- Settings that were changed take effect.
select pg_reload_conf()
