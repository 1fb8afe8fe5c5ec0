create or replace view available_adapters as
select a.name, a.family, a.algorithm, a.trigger_words from adapters a;
comment on view available_adapters is 'Adapters that jobs may name, without where they lie.';
