-- The Nexmark events, made by the generator: one virtual topic that all three tables read. {events} is their number.
CREATE SOURCE person WITH (
    connector = 'generator', kind = 'person', topic = 'nexmark', rate = '0', count = '{events}', seed = '1', partitions = '2',
    event_time = 'date_time', skew = 'none'
);

CREATE SOURCE auction WITH (
    connector = 'generator', kind = 'auction', topic = 'nexmark', rate = '0', count = '{events}', seed = '1', partitions = '2',
    event_time = 'date_time', skew = 'none'
);

CREATE SOURCE bid WITH (
    connector = 'generator', kind = 'bid', topic = 'nexmark', rate = '0', count = '{events}', seed = '1', partitions = '2',
    event_time = 'date_time', skew = 'none'
);
