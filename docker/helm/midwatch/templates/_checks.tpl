{{/* What would come up and be wrong is refused here, with the value to set. */}}
{{- define "midwatch.checks" -}}
{{- if and (include "midwatch.several" .) (not (include "midwatch.shared" .)) }}
{{- fail "proxy: several pods need shared stores: set storage.profile to production, or stack.enabled" }}
{{- end }}
{{- if and (include "midwatch.shared" .) (not .Values.ca.secret) }}
{{- fail "ca.secret: the proxies of one installation sign with one CA: name a Secret with tls.crt and tls.key" }}
{{- end }}
{{- if and (include "midwatch.shared" .) (not (and .Values.secret.name .Values.secret.installationKey)) }}
{{- fail "secret: with shared stores all pods need one installation-key: name a Secret that has it, and set secret.installationKey" }}
{{- end }}
{{- if and (eq .Values.storage.profile "production") (not .Values.stack.enabled) }}
{{- range $name := list "traces" "metadata" "cache" }}
{{- if not (get $.Values.storage $name) }}{{ fail (printf "storage.%s: give its URL, or set stack.enabled" $name) }}{{ end }}
{{- end }}
{{- end }}
{{- if and .Values.console.ingress.enabled (not .Values.console.ingress.host) }}
{{- fail "console.ingress.host: where is the console to be reached?" }}
{{- end }}
{{- end }}
