{{/* Names of hosts, and the stores. */}}
{{- define "midwatch.names-and-stores" -}}
- to: {{- toYaml .Values.networkPolicy.names | nindent 4 }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- if .Values.stack.enabled }}
- to:
    - podSelector:
        matchLabels: {app.kubernetes.io/name: midwatch, app.kubernetes.io/instance: {{ .Release.Name }}}
        matchExpressions:
          - {key: app.kubernetes.io/component, operator: In, values: [clickhouse, postgresql, valkey]}
  ports:
    {{- range list 8123 5432 6379 }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- else if include "midwatch.shared" . }}
- ports:
    {{- range .Values.networkPolicy.stores.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with .Values.networkPolicy.stores.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Providers: public addresses alone, whatever a name leads to. */}}
{{- define "midwatch.outside" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{- toYaml .providers.except | nindent 10 }}
    - ipBlock:
        cidr: ::/0
        except: {{- toYaml .providers.exceptV6 | nindent 10 }}
  ports:
    {{- range .providers.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
