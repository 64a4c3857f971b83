{{/* The name all objects begin with: the release's. */}}
{{- define "midwatch.name" -}}
{{- if contains "midwatch" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-midwatch" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end -}}
{{- end }}

{{/* What selects a component's pods: (dict "root" $ "part" "proxy"). */}}
{{- define "midwatch.selector" -}}
app.kubernetes.io/name: midwatch
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "midwatch.labels" -}}
{{ include "midwatch.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* An image by its digest, else its tag: (dict "image" .Values.image "tag" default). */}}
{{- define "midwatch.image" -}}
{{- if .image.digest }}{{ .image.repository }}@{{ .image.digest }}{{ else }}{{ .image.repository }}:{{ .image.tag | default .tag }}{{ end -}}
{{- end }}

{{/* Whether stores are shared: then the console stands alone, and migrations are a job. Empty for no. */}}
{{- define "midwatch.shared" -}}
{{- if or .Values.stack.enabled (eq .Values.storage.profile "production") }}yes{{ end -}}
{{- end }}

{{/* Whether there may be more than one proxy. */}}
{{- define "midwatch.several" -}}
{{- if or .Values.proxy.autoscaling.enabled (gt (int .Values.proxy.replicas) 1) }}yes{{ end -}}
{{- end }}
