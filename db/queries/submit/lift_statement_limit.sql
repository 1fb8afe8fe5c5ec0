-- Lets statements of this transaction take as long as they need, whatever limit the login has: a large load outlasts those of producers.
set local statement_timeout = 0
