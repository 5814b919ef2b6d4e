-- Format 2: what only some judgements have (a panel's votes, the parts of an answer, a person's draw), as JSON.
ALTER TABLE judgement ADD COLUMN details TEXT;
