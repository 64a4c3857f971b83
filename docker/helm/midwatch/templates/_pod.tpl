{{/* What every pod of ours has: it runs as the image's user, writes to its volumes alone, and talks to no Kubernetes API. */}}
{{- define "midwatch.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Variables hold before config.yaml, and the image has these: they are said again so that they can be changed. */}}
{{- define "midwatch.where" -}}
- {name: MIDWATCH_LISTEN, value: "{{ .Values.bind }}:8080"}
- {name: MIDWATCH_CONSOLE, value: "{{ .Values.bind }}:8082"}
{{- end }}

{{- define "midwatch.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* config.yaml lies in the home, so that every command run in the pod goes by it. */}}
{{- define "midwatch.mounts" -}}
- {name: home, mountPath: /var/lib/midwatch}
- {name: config, mountPath: /var/lib/midwatch/config.yaml, subPath: config.yaml, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if .Values.secret.name }}
- {name: secret, mountPath: /run/secrets/midwatch, readOnly: true}
{{- if .Values.secret.installationKey }}
- {name: secret, mountPath: /var/lib/midwatch/hash.key, subPath: installation-key, readOnly: true}
{{- end }}
{{- end }}
{{- end }}

{{- define "midwatch.volumes" -}}
- name: config
  configMap: {name: {{ include "midwatch.name" . }}}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 128Mi}
{{- with .Values.secret.name }}
- name: secret
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{/* Which nodes a pod may be on: .Values.proxy, or .Values.console for all that sees no calls. */}}
{{- define "midwatch.nodes" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* Apart from each other, on nodes and in zones, where that can be had: (dict "root" $ "part" "proxy"). */}}
{{- define "midwatch.apart" -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels: {{- include "midwatch.selector" . | nindent 14 }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: topology.kubernetes.io/zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "midwatch.selector" . | nindent 8 }}
{{- end }}
