{{/* Where the store is the pod's own, or the pod is nothing but a console. */}}
{{- define "midwatch.probes" -}}
startupProbe:
  httpGet: {path: /startupz, port: console}
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  httpGet: {path: /healthz, port: console}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: console}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}
