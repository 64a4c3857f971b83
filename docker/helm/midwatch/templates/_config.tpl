{{/* A password of the stack's, by reference. */}}
{{- define "midwatch.password" -}}
${file:/run/secrets/midwatch/{{ . }}-password}
{{- end }}

{{/* config.yaml: what follows from the values, then .Values.config over it. Where it listens is midwatch.where. */}}
{{- define "midwatch.config" -}}
{{- $name := include "midwatch.name" . }}
{{- $config := dict "workers" (int .Values.proxy.workers) "drain_s" (int .Values.proxy.drainSeconds) }}
{{- $_ := set $config "identity" (dict "required" true) }}
{{- if .Values.stack.enabled }}
{{- $_ := set $config "storage" (dict
      "profile" "production"
      "traces" (printf "clickhouse://midwatch:%s@%s-clickhouse:8123/midwatch" (include "midwatch.password" "clickhouse") $name)
      "metadata" (printf "postgresql://midwatch:%s@%s-postgresql:5432/midwatch" (include "midwatch.password" "postgres") $name)
      "cache" (printf "valkey://:%s@%s-valkey:6379/0" (include "midwatch.password" "valkey") $name)) }}
{{- else if include "midwatch.shared" . }}
{{- $_ := set $config "storage" (pick .Values.storage "profile" "traces" "metadata" "cache") }}
{{- else }}
{{- $_ := set $config "storage" (dict "profile" .Values.storage.profile) }}
{{- end }}
{{- if and .Values.secret.name .Values.secret.adminKey }}
{{- $_ := set $config "access" (dict "admin_key" "${file:/run/secrets/midwatch/admin-key}") }}
{{- end }}
{{- if and .Values.secret.name .Values.secret.scrapeToken }}
{{- $_ := set $config "web" (dict "scrape_token" "${file:/run/secrets/midwatch/scrape-token}") }}
{{- end }}
{{- if .Values.ca.secret }}
{{- $files := list }}
{{- range .Values.ca.files }}{{ $files = append $files (printf "/run/midwatch-ca/%s" .) }}{{ end }}
{{- $_ := set $config "tls" (dict "ca" $files) }}
{{- end }}
{{- if .Values.console.ingress.host }}
{{- $_ := set $config "alerts" (dict "console_url" (printf "https://%s" .Values.console.ingress.host)) }}
{{- end }}
{{- toYaml (mergeOverwrite $config (deepCopy .Values.config)) }}
{{- end }}
