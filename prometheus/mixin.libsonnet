// For those who keep their monitoring in jsonnet: the committed boards, rules and alerts as a mixin.
local boards = import '../grafana/dashboards/boards.libsonnet';

// Expressions become one line each: jsonnet 0.18 cannot read strings of several.
local read(text) = std.parseYaml(std.strReplace(text, 'expr: |\n', 'expr: >-\n'));
local recording = read(importstr 'rules/recording.yml');
local alerts = read(importstr 'rules/alerts.yml');

{
  local config = self._config,

  _config+:: {
    // Whose boards: 'prometheus', 'influxdb' or both.
    sources: ['prometheus'],
    // What every alert says of itself beside its own labels, such as { team: 'network' }.
    labels: {},
    // Where the pages of docs/runbooks are, if not where the alerts say: it ends with '/'.
    runbooks: null,
  },

  grafanaDashboards+:: {
    ['netsonde-%s-%s' % [source, name]]: boards[source][name]
    for source in config.sources
    for name in std.objectFields(boards[source])
  },

  prometheusRules+:: { groups+: recording.groups },

  prometheusAlerts+:: {
    groups+: [
      group {
        rules: [
          rule {
            labels+: config.labels,
            annotations+: if config.runbooks == null then {} else {
              local parts = std.split(super.runbook_url, '/'),
              runbook_url: config.runbooks + parts[std.length(parts) - 1],
            },
          }
          for rule in group.rules
        ],
      }
      for group in alerts.groups
    ],
  },
}
