-- Only the states are needed for the rows; the facts are the larger part of the memory.
drop table corrections_in_force;
drop table effective_facts;
drop table progress;
drop table clock_states;
